// SPDX-License-Identifier: Apache-2.0
#include "fs/session/channel_thread.h"

#include <csignal>
#include <mutex>
#include <utility>

#include <sched.h>

namespace weft::fs {
namespace {

constexpr std::size_t stack_size = std::size_t{256} << 10;

int wake_signal() {
  return SIGRTMAX - 2;
}

void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    sigemptyset(&action.sa_mask);
    action.sa_flags = 0;  // without SA_RESTART: the call returns EINTR
    sigaction(wake_signal(), &action, nullptr);
  });
}

void pin_to(unsigned index) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  const int count = CPU_COUNT(&allowed);
  if (count == 0) return;
  int skip = static_cast<int>(index % static_cast<unsigned>(count));
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || skip-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    return;
  }
}

}  // namespace

ChannelThread::ChannelThread(Options options, std::function<void()> body)
    : options_(std::move(options)), body_(std::move(body)) {}

Result<std::unique_ptr<ChannelThread>> ChannelThread::start(Options options,
                                                            std::function<void()> body) {
  install_handler();
  std::unique_ptr<ChannelThread> thread(new ChannelThread(std::move(options), std::move(body)));
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_size);
  const int error = pthread_create(&thread->thread_, &attributes, run, thread.get());
  pthread_attr_destroy(&attributes);
  if (error != 0) return fail_errno(error, Operation::serve, "cannot start a thread");
  thread->started_ = true;
  return thread;
}

ChannelThread::~ChannelThread() {
  if (started_) pthread_join(thread_, nullptr);
}

void ChannelThread::wake() const {
  pthread_kill(thread_, wake_signal());
}

void* ChannelThread::run(void* self) {
  auto& thread = *static_cast<ChannelThread*>(self);
  pthread_setname_np(pthread_self(), thread.options_.name.substr(0, 15).c_str());
  pin_to(thread.options_.index);
  // Signals are for the threads of the program; this one reacts to `wake` only.
  sigset_t all;
  sigfillset(&all);
  sigdelset(&all, wake_signal());
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  thread.body_();
  thread.ended_.release();
  return nullptr;
}

}  // namespace weft::fs
