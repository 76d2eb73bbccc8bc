# SPDX-License-Identifier: Apache-2.0
# The INTERFACE targets every other target is built with.

# Warnings: linked PRIVATE, so that they stay ours.
add_library(weft_warnings INTERFACE)
target_compile_options(weft_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# Sanitizers and hardening: linked PUBLIC, because they change the ABI.
add_library(weft_sanitizers INTERFACE)
target_compile_definitions(weft_sanitizers INTERFACE _GLIBCXX_ASSERTIONS
  $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
target_compile_options(weft_sanitizers INTERFACE -fno-omit-frame-pointer)
if(WEFT_SANITIZE)
  target_compile_options(weft_sanitizers INTERFACE -fsanitize=${WEFT_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(weft_sanitizers INTERFACE -fsanitize=${WEFT_SANITIZE})
  # Recycled coroutine frames hide use-after-free from AddressSanitizer.
  target_compile_definitions(weft_sanitizers INTERFACE BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
endif()
if(WEFT_FUZZ)
  target_compile_options(weft_sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()
find_program(LLD_PROGRAM NAMES ld.lld-19 ld.lld)
if(LLD_PROGRAM AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(weft_sanitizers INTERFACE -fuse-ld=lld)
endif()

# Asio: only targets that link this may include it.
add_library(weft_asio INTERFACE)
target_link_libraries(weft_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(weft_asio INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_HAS_STD_COROUTINE)

# Boost.JSON, compiled once (its header-only form needs one unit that includes its sources).
add_library(weft_json STATIC tools/cmake/boost_json.cpp)
target_link_libraries(weft_json PUBLIC Boost::headers weft_sanitizers)
