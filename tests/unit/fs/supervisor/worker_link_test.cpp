// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/worker_link.h"

#include "fs/supervisor/packet_socket.h"
#include "fs/supervisor/protocol.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using namespace supervision;

/// Plays the supervisor: one thread that answers with what the script says.
class ScriptedSupervisor {
 public:
  struct Answer {
    Message message;
    std::size_t descriptors = 0;  ///< as many of /dev/null, over as many packets as needed
  };
  /// None: no answer.
  using Script = std::function<std::optional<Answer>(const Message&)>;

  explicit ScriptedSupervisor(Script script) : script_(std::move(script)) {
    auto pair = make_socket_pair();
    own_ = std::move(pair->first);
    worker_end_ = std::move(pair->second);
    null_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedSupervisor() { die(); }

  UniqueFd worker_end() { return std::move(worker_end_); }
  void die() {
    if (!thread_.joinable()) return;
    ::shutdown(own_.get(), SHUT_RDWR);
    thread_.join();
  }
  /// Waits for calls that nobody waits for.
  bool saw(const std::function<bool(const Message&)>& wanted) {
    for (int i = 0; i < 1000; ++i) {
      {
        const std::lock_guard lock(mutex_);
        for (const Message& m : seen_) {
          if (wanted(m)) return true;
        }
      }
      std::this_thread::yield();
      pollfd none{-1, 0, 0};
      ::poll(&none, 1, 5);
    }
    return false;
  }
  /// Answers a call that was left open, later than its caller waits.
  void answer_late(std::uint64_t request, const Answer& answer) { send(request, answer); }
  std::uint64_t last_request() {
    const std::lock_guard lock(mutex_);
    return last_request_;
  }

 private:
  void serve() {
    for (;;) {
      pollfd p{own_.get(), POLLIN, 0};
      if (::poll(&p, 1, -1) < 0) return;
      auto received = receive_packet(own_.get());
      if (!received) return;
      if (!*received) continue;
      const auto packet = decode((*received)->bytes);
      ASSERT_TRUE(packet.has_value());
      {
        const std::lock_guard lock(mutex_);
        seen_.push_back(packet->message);
        last_request_ = packet->request;
      }
      if (const auto answer = script_(packet->message)) send(packet->request, *answer);
    }
  }
  void send(std::uint64_t request, const Answer& answer) {
    std::size_t left = answer.descriptors;
    Message message = answer.message;
    do {
      const std::size_t now = std::min(left, descriptors_per_packet);
      const std::vector<int> fds(now, null_.get());
      static_cast<void>(send_packet(own_.get(), encode({request, message}), fds));
      left -= now;
      message = DescriptorsReply{};
    } while (left > 0);
  }

  Script script_;
  UniqueFd own_, worker_end_, null_;
  std::mutex mutex_;
  std::vector<Message> seen_;
  std::uint64_t last_request_ = 0;
  std::thread thread_;
};

ScriptedSupervisor::Answer mounted(std::uint64_t key, std::uint32_t channels,
                                   bool inherited = false) {
  return {MountReply{.key = MountKey{key},
                     .spec = {"/mnt/" + std::to_string(key), TargetKind::file, "state"},
                     .device = {0, 1},
                     .init_request = {std::byte{26}},
                     .inherited = inherited,
                     .channels = channels},
          channels};
}

MountSpec some_spec() {
  return {"/mnt/a", TargetKind::file, "state"};
}

TEST(WorkerLink, a_mount_arrives_with_its_descriptors) {
  ScriptedSupervisor supervisor([](const Message&) { return mounted(5, 3); });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  const auto handle = link->mount(some_spec(), 3);
  ASSERT_TRUE(handle.has_value()) << handle.error().message();
  EXPECT_EQ(handle->key, MountKey{5});
  ASSERT_EQ(handle->channels.size(), 3U);
  for (const UniqueFd& channel : handle->channels) {
    EXPECT_EQ(::fcntl(channel.get(), F_GETFD), FD_CLOEXEC);
  }
  EXPECT_FALSE(handle->inherited);
}

TEST(WorkerLink, descriptors_beyond_one_message_are_put_together) {
  ScriptedSupervisor supervisor([](const Message&) { return mounted(5, 600); });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  const auto handle = link->mount(some_spec(), 600);
  ASSERT_TRUE(handle.has_value()) << handle.error().message();
  EXPECT_EQ(handle->channels.size(), 600U);
}

TEST(WorkerLink, inherited_mounts_come_one_by_one_until_the_end) {
  ScriptedSupervisor supervisor([](const Message& call) -> ScriptedSupervisor::Answer {
    if (std::holds_alternative<OpensCall>(call)) return {OpensReply{}, 1};
    const auto after = std::to_underlying(std::get<InheritedCall>(call).after);
    if (after == 500) return {EndReply{}};
    return mounted(after + 1, 1, true);
  });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  const auto handles = link->inherited();
  ASSERT_TRUE(handles.has_value()) << handles.error().message();
  ASSERT_EQ(handles->size(), 500U);
  EXPECT_TRUE(handles->back().inherited);
  EXPECT_EQ(handles->back().spec.target, "/mnt/500");
  EXPECT_TRUE(handles->front().opens);
  EXPECT_TRUE(handles->back().opens);
}

TEST(WorkerLink, supervisor_of_an_earlier_version_costs_one_wait_and_gives_mounts_without_memory) {
  std::atomic<int> asked{0};
  ScriptedSupervisor supervisor(
      [&](const Message& call) -> std::optional<ScriptedSupervisor::Answer> {
        if (!std::holds_alternative<OpensCall>(call)) return mounted(5, 1);
        ++asked;
        return std::nullopt;
      });
  const auto link = connect_mount_keeper(supervisor.worker_end(), {.call_deadline = 50ms});
  for (int i = 0; i < 3; ++i) {
    const auto handle = link->mount(some_spec(), 1);
    ASSERT_TRUE(handle.has_value()) << handle.error().message();
    EXPECT_FALSE(handle->opens);
  }
  EXPECT_EQ(asked, 1);
}

TEST(WorkerLink, an_upgrade_waits_longer_than_other_calls) {
  ScriptedSupervisor supervisor(
      [](const Message& call) -> std::optional<ScriptedSupervisor::Answer> {
        if (!std::holds_alternative<UpgradeCall>(call)) return std::nullopt;
        std::this_thread::sleep_for(100ms);  // the deadline of other calls is shorter
        return ScriptedSupervisor::Answer{StandingByReply{4711, "0.2.0"}};
      });
  const auto link = connect_mount_keeper(supervisor.worker_end(), {.call_deadline = 20ms});
  const auto candidate = link->prepare_upgrade("/usr/bin/weft");
  ASSERT_TRUE(candidate.has_value()) << candidate.error().message();
  EXPECT_EQ(candidate->process_id, 4711U);
  EXPECT_EQ(candidate->build, "0.2.0");
  EXPECT_TRUE(link->report_ready().error().is(Errc::deadline_passed));
}

TEST(WorkerLink, a_hand_over_that_failed_says_why) {
  ScriptedSupervisor supervisor([](const Message& call) -> ScriptedSupervisor::Answer {
    EXPECT_TRUE(std::holds_alternative<HandOverCall>(call));
    return {FailedReply{{make_error_code(Errc::helper_failed), Operation::serve, "it died"}}};
  });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  const auto handed = link->hand_over();
  ASSERT_FALSE(handed.has_value());
  EXPECT_TRUE(handed.error().is(Errc::helper_failed));
  EXPECT_EQ(handed.error().detail, "it died");
}

TEST(WorkerLink, a_candidate_whose_supervisor_dies_does_not_begin_to_serve) {
  ScriptedSupervisor supervisor(
      [](const Message&) -> std::optional<ScriptedSupervisor::Answer> { return std::nullopt; });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  std::thread dying([&] {
    EXPECT_TRUE(supervisor.saw([](const Message& m) {
      const auto* call = std::get_if<StandByCall>(&m);
      return call != nullptr && call->build == "0.2.0";
    }));
    supervisor.die();
  });
  EXPECT_TRUE(link->stand_by("0.2.0").error().is(Errc::cancelled));
  dying.join();
}

TEST(WorkerLink, an_endless_list_of_the_same_mount_is_refused) {
  ScriptedSupervisor supervisor([](const Message&) { return mounted(5, 1, true); });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  EXPECT_FALSE(link->inherited().has_value());
}

TEST(WorkerLink, a_refusal_reaches_the_caller) {
  ScriptedSupervisor supervisor([](const Message&) -> ScriptedSupervisor::Answer {
    return {FailedReply{{make_error_code(Errc::already_mounted), Operation::mount, "/mnt/a"}}};
  });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  const auto handle = link->mount(some_spec(), 1);
  ASSERT_FALSE(handle.has_value());
  EXPECT_TRUE(handle.error().is(Errc::already_mounted));
}

TEST(WorkerLink, a_supervisor_that_does_not_answer_costs_the_deadline) {
  ScriptedSupervisor supervisor([](const Message&) { return std::nullopt; });
  const auto link = connect_mount_keeper(supervisor.worker_end(), {.call_deadline = 50ms});
  const auto ready = link->report_ready();
  ASSERT_FALSE(ready.has_value());
  EXPECT_TRUE(ready.error().is(Errc::deadline_passed));
  EXPECT_TRUE(link->supervised());
}

TEST(WorkerLink, a_mount_completed_after_its_caller_gave_up_is_unmounted) {
  ScriptedSupervisor supervisor([](const Message&) { return std::nullopt; });
  const auto link = connect_mount_keeper(supervisor.worker_end(), {.call_deadline = 50ms});
  ASSERT_TRUE(link->mount(some_spec(), 1).error().is(Errc::deadline_passed));
  supervisor.answer_late(supervisor.last_request(), mounted(77, 300));
  EXPECT_TRUE(supervisor.saw([](const Message& m) {
    const auto* call = std::get_if<UnmountCall>(&m);
    return call != nullptr && call->key == MountKey{77} && call->force;
  }));
}

TEST(WorkerLink, missing_descriptors_are_an_error_and_the_mount_is_undone) {
  ScriptedSupervisor supervisor(
      [](const Message& call) -> std::optional<ScriptedSupervisor::Answer> {
        if (!std::holds_alternative<MountCall>(call)) return std::nullopt;
        auto answer = mounted(5, 3);
        answer.descriptors = 2;
        return answer;
      });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  EXPECT_TRUE(link->mount(some_spec(), 3).error().is(std::errc::too_many_files_open));
  EXPECT_TRUE(
      supervisor.saw([](const Message& m) { return std::holds_alternative<UnmountCall>(m); }));
}

TEST(WorkerLink, the_loss_of_the_supervisor_ends_waiting_calls) {
  std::atomic<bool> called{false};
  ScriptedSupervisor supervisor([&](const Message&) {
    called = true;
    return std::nullopt;
  });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  std::thread killer([&] {
    while (!called)
      std::this_thread::yield();
    supervisor.die();
  });
  const auto ready = link->report_ready();
  killer.join();
  ASSERT_FALSE(ready.has_value());
  EXPECT_TRUE(ready.error().is(Errc::cancelled));
  EXPECT_FALSE(link->supervised());
  EXPECT_TRUE(link->inherited().error().is(Errc::cancelled));
}

TEST(WorkerLink, a_worker_whose_supervisor_is_lost_inherits_what_it_served) {
  ScriptedSupervisor supervisor([](const Message& call) -> ScriptedSupervisor::Answer {
    if (std::holds_alternative<OpensCall>(call)) return {OpensReply{}, 1};
    if (const auto* inherited = std::get_if<InheritedCall>(&call)) {
      if (inherited->after == MountKey{1}) return {EndReply{}};
      return mounted(1, 2, true);
    }
    if (std::holds_alternative<MountCall>(call)) return mounted(5, 3);
    return {DoneReply{}};
  });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  // Served, then suspended: their descriptors are closed.
  ASSERT_TRUE(link->inherited().has_value());
  ASSERT_TRUE(link->mount(some_spec(), 3).has_value());
  supervisor.die();
  ASSERT_TRUE(link->hand_over().error().is(Errc::cancelled));
  for (int time = 0; time < 2; ++time) {
    const auto handles = link->inherited();
    ASSERT_TRUE(handles.has_value()) << handles.error().message();
    ASSERT_EQ(handles->size(), 2U);
    const MountHandle& last = handles->back();
    EXPECT_EQ(last.key, MountKey{5});
    EXPECT_EQ(last.spec.target, "/mnt/5");
    EXPECT_EQ(last.spec.description, "state");
    EXPECT_EQ(last.channels.size(), 3U);
    EXPECT_EQ(last.init_request, std::vector{std::byte{26}});
    EXPECT_TRUE(last.opens);
    EXPECT_TRUE(last.inherited) << "what the suspended worker had taken is sent again";
  }
}

TEST(WorkerLink, a_candidate_whose_supervisor_dies_leaves_the_mounts_to_the_old_worker) {
  ScriptedSupervisor supervisor(
      [](const Message& call) -> std::optional<ScriptedSupervisor::Answer> {
        if (std::holds_alternative<OpensCall>(call))
          return ScriptedSupervisor::Answer{OpensReply{}, 1};
        if (std::get<InheritedCall>(call).after == MountKey{}) return mounted(1, 2, true);
        return std::nullopt;
      });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  std::thread dying([&] {
    EXPECT_TRUE(supervisor.saw([](const Message& m) {
      const auto* call = std::get_if<InheritedCall>(&m);
      return call != nullptr && call->after == MountKey{1};
    }));
    supervisor.die();
  });
  EXPECT_TRUE(link->inherited().error().is(Errc::cancelled));
  dying.join();
}

TEST(WorkerLink, calls_of_many_threads_get_their_own_answers) {
  ScriptedSupervisor supervisor([](const Message& call) -> ScriptedSupervisor::Answer {
    if (std::holds_alternative<OpensCall>(call)) return {OpensReply{}, 1};
    const auto& spec = std::get<MountCall>(call).spec;
    return mounted(std::stoull(spec.description), 2);
  });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 1; t <= 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 50; ++i) {
        const std::uint64_t key = t * 1000 + i;
        const auto handle = link->mount({"/mnt/x", TargetKind::file, std::to_string(key)}, 2);
        if (handle && handle->key == MountKey{key} && handle->channels.size() == 2) ++right;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(right, 200);
}

TEST(WorkerLink, limits_are_checked_before_anything_is_sent) {
  ScriptedSupervisor supervisor([](const Message&) { return mounted(1, 1); });
  const auto link = connect_mount_keeper(supervisor.worker_end());
  MountSpec spec = some_spec();
  spec.description.assign(max_description + 1, 'x');
  EXPECT_TRUE(link->mount(spec, 1).error().is(Errc::bad_request));
  EXPECT_TRUE(link->mount(some_spec(), 0).error().is(Errc::bad_request));
  EXPECT_TRUE(link->mount(some_spec(), 100'000).error().is(Errc::bad_request));
}

TEST(SupervisorSocket, is_found_once_and_only_if_it_is_one) {
  EXPECT_FALSE(take_supervisor_socket());
  auto pair = make_socket_pair();
  ASSERT_TRUE(pair.has_value());
  const int fd = pair->first.release();
  ::setenv("WEFT_SUPERVISOR_FD", std::to_string(fd).c_str(), 1);
  const UniqueFd found = take_supervisor_socket();
  EXPECT_EQ(found.get(), fd);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  EXPECT_FALSE(take_supervisor_socket());
  for (const char* bad : {"", "x", "99999", "1", "3x"}) {
    ::setenv("WEFT_SUPERVISOR_FD", bad, 1);
    EXPECT_FALSE(take_supervisor_socket()) << bad;
  }
}

}  // namespace
}  // namespace weft::fs
