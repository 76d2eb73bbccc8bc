// SPDX-License-Identifier: Apache-2.0
#include "fs/read/process_state.h"

#include "tests/support/fs/wire_mount.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include <unistd.h>

namespace weft::fs {
namespace {

constexpr std::uint64_t bit(int signal) {
  return std::uint64_t{1} << (signal - 1);
}

constexpr const char* status_text =
    "Name:\tqemu ) S 1\nState:\tS (sleeping)\nTgid:\t4711\nPid:\t4712\n"
    "SigQ:\t0/63\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000004000\n"
    "SigBlk:\t0000000000010000\nSigIgn:\t0000000000001000\nSigCgt:\t0000000180004002\n";

TEST(ProcessState, status_and_stat_are_understood) {
  const auto state = parse_thread_state(status_text, "4712 (qemu ) S 1) S 1 2 3 4 5 4194308 6 7\n");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->process_id, 4711u);
  EXPECT_EQ(state->pending, bit(SIGKILL) | bit(SIGTERM));
  EXPECT_EQ(state->blocked, bit(SIGCHLD));
  EXPECT_EQ(state->ignored, bit(SIGPIPE));
  EXPECT_EQ(state->caught & bit(SIGINT), bit(SIGINT));
  EXPECT_TRUE(state->exiting);
  EXPECT_FALSE(parse_thread_state(status_text, "4712 (x) S 1 2 3 4 5 4194304 6\n")->exiting);
}

TEST(ProcessState, text_cut_short_is_refused) {
  const std::string stat = "4712 (qemu) S 1 2 3 4 5 6 7";
  EXPECT_FALSE(parse_thread_state("", stat));
  EXPECT_FALSE(parse_thread_state("Name:\tx\nTgid:\t1\n", stat));
  EXPECT_FALSE(parse_thread_state(status_text, "4712 (qemu) S 1"));
  EXPECT_FALSE(parse_thread_state(status_text, ""));
}

struct WakeCase {
  const char* name;
  ThreadState state;
  bool dying;
  bool woken;
};

class WakeTest : public ::testing::TestWithParam<WakeCase> {};

TEST_P(WakeTest, only_what_ends_the_reader_or_runs_a_handler_ends_its_read) {
  EXPECT_EQ(is_dying(GetParam().state), GetParam().dying);
  EXPECT_EQ(must_be_woken(GetParam().state), GetParam().woken);
}

INSTANTIATE_TEST_SUITE_P(
    ProcessState, WakeTest,
    ::testing::Values(
        WakeCase{"calm", {}, false, false},
        WakeCase{"killed", {.pending = bit(SIGKILL)}, true, true},
        WakeCase{
            "killed_with_all_blocked", {.pending = bit(SIGKILL), .blocked = ~0ull}, true, true},
        WakeCase{"exiting", {.exiting = true}, true, true},
        WakeCase{"quit", {.pending = bit(SIGQUIT)}, false, true},
        WakeCase{"handler", {.pending = bit(SIGALRM), .caught = bit(SIGALRM)}, false, true},
        WakeCase{"blocked", {.pending = bit(SIGALRM), .blocked = bit(SIGALRM)}, false, false},
        WakeCase{"ignored", {.pending = bit(SIGPIPE), .ignored = bit(SIGPIPE)}, false, false},
        WakeCase{"stopped", {.pending = bit(SIGTSTP)}, false, false},
        WakeCase{"child_ended", {.pending = bit(SIGCHLD)}, false, false},
        WakeCase{"child_handler", {.pending = bit(SIGCHLD), .caught = bit(SIGCHLD)}, false, true}),
    [](const auto& info) { return info.param.name; });

TEST(ProcessState, aio_of_a_thread_that_ended_is_wanted_while_its_process_lives) {
  testing::FakeProcesses processes;
  processes.set(11, ThreadState{.process_id = 10});
  processes.set(12, ThreadState{.process_id = 10});
  Reader reader{.thread_id = 11};
  EXPECT_FALSE(is_abandoned(reader, processes));
  EXPECT_EQ(reader.process_id, 10u);
  processes.set(11, std::nullopt);
  EXPECT_FALSE(is_abandoned(reader, processes));
  processes.set(12, ThreadState{.process_id = 10, .exiting = true});
  EXPECT_TRUE(is_abandoned(reader, processes));
}

TEST(ProcessState, thread_number_that_names_another_process_now_does_not_count) {
  testing::FakeProcesses processes;
  processes.set(11, ThreadState{.process_id = 99});
  Reader reader{.thread_id = 11, .process_id = 10};
  EXPECT_TRUE(is_abandoned(reader, processes));
}

TEST(ProcessState, where_proc_tells_nothing_the_interrupt_decides) {
  const testing::FakeProcesses processes;  // knows no thread
  Reader unknown{.thread_id = 5};
  EXPECT_FALSE(is_abandoned(unknown, processes));
  unknown.interrupted = true;
  EXPECT_TRUE(is_abandoned(unknown, processes));
  Reader foreign{.thread_id = 0};
  EXPECT_FALSE(is_abandoned(foreign, processes));
}

TEST(ProcessState, this_thread_lives_and_a_reaped_child_is_gone) {
  const auto self = system_processes().thread(static_cast<std::uint32_t>(::gettid()));
  ASSERT_TRUE(self);
  EXPECT_EQ(self->process_id, static_cast<std::uint32_t>(::getpid()));
  EXPECT_FALSE(is_dying(*self));
  EXPECT_TRUE(system_processes().process_lives(self->process_id));
  EXPECT_FALSE(system_processes().thread(0x7fffffff));
  EXPECT_FALSE(system_processes().process_lives(0x7fffffff));
}

}  // namespace
}  // namespace weft::fs
