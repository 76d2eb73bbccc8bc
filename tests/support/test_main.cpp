// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

// GoogleTest's main, with CTest's meaning of "skipped": exit 77 if every test that ran was skipped,
// and a failure if WEFT_NO_SKIP is set and any was.
int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  const auto& results = *::testing::UnitTest::GetInstance();
  const int skipped = results.skipped_test_count();
  if (status != 0 || skipped == 0) return status;
  const char* strict = std::getenv("WEFT_NO_SKIP");
  if (strict != nullptr && std::strcmp(strict, "1") == 0) return 1;
  return skipped == results.test_to_run_count() ? 77 : 0;
}
