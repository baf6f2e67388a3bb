// What Python plugs into an engine: executors and a secret provider, whose work waits in queues for
// threads of Python's own, and sources.
//
// Thread-safety: any thread; nothing here needs the GIL but SourceHost. A process that was forked
// finds its parent's queues in whatever state they were in: it leaves them alone.
#ifndef ROUTINES_BINDINGS_PYTHON_SRC_EXT_HOST_H_
#define ROUTINES_BINDINGS_PYTHON_SRC_EXT_HOST_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core.h"

namespace routines::python {

// What waits for a thread of Python's. Closed, it takes nothing more and gives out what is left.
template <typename Job>
class Queue {
 public:
  // False: closed.
  bool Push(Job job) {
    {
      const std::lock_guard<std::mutex> lock(mu_);
      if (closed_) return false;
      jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
    return true;
  }

  // Nothing: the time is over, or it is closed and empty.
  std::optional<Job> Pop(std::chrono::milliseconds timeout) {
    std::unique_lock<std::mutex> lock(mu_);
    changed_.wait_for(lock, timeout, [&] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  void Close() {
    {
      const std::lock_guard<std::mutex> lock(mu_);
      closed_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool closed_ = false;
};

// A session that waits for its executor.
struct Execute {
  int executor;  // as it was registered
  routines_execution* execution;
};
using Executions = Queue<Execute>;

// A secret that the engine waits for.
class SecretAsk {
 public:
  SecretAsk(std::string account, std::string name)
      : account(std::move(account)), name(std::move(name)) {}

  const std::string account, name;

  // The first answer counts.
  void Answer(routines_code code, std::string value) {
    {
      const std::lock_guard<std::mutex> lock(mu_);
      if (answered_) return;
      answered_ = true;
      code_ = code;
      value_ = std::move(value);
    }
    changed_.notify_all();
  }

  routines_code Wait(std::string* value) {
    std::unique_lock<std::mutex> lock(mu_);
    changed_.wait(lock, [&] { return answered_; });
    *value = value_;
    return code_;
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool answered_ = false;
  routines_code code_ = ROUTINES_OK;
  std::string value_;
};
using Secrets = Queue<std::shared_ptr<SecretAsk>>;

routines_executor ExecutorOf(std::shared_ptr<Executions> queue, int number, bool keeps_to_sandbox);
routines_secrets SecretsOf(std::shared_ptr<Secrets> queue);

// A source's two functions, called on the thread that starts or stops the engine. The first
// exception of a start is kept.
class SourceHost {
 public:
  SourceHost(py::object start, py::object stop)
      : start_(std::move(start)), stop_(std::move(stop)) {}

  // Owned by the engine from here on.
  static routines_source Hand(std::shared_ptr<SourceHost> host);
  std::optional<py::error_already_set> TakeError() { return std::exchange(error_, std::nullopt); }

 private:
  static routines_code Start(void* self, routines_sink* sink);
  static void Stop(void* self);
  static void Destroy(void* self);

  py::object start_, stop_;
  std::optional<py::error_already_set> error_;
};

}  // namespace routines::python

#endif  // ROUTINES_BINDINGS_PYTHON_SRC_EXT_HOST_H_
