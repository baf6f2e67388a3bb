// Callbacks that throw, call back in, destroy what they were given, or do not return in time.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "routines/c/routines.h"

namespace {

constexpr int64_t kMinute = 60'000'000'000;

routines_string Str(const char* text) {
  return routines_str(text);
}

std::string Take(routines_text* text) {
  routines_string string = {};
  EXPECT_EQ(routines_text_get(text, &string), ROUTINES_OK);
  const std::string copy(string.data == nullptr ? "" : string.data, string.size);
  EXPECT_EQ(routines_text_destroy(text), ROUTINES_OK);
  return copy;
}

std::string SessionIn(const std::string& fired) {
  const size_t at = fired.find("session_id\":\"") + 13;
  return fired.substr(at, fired.find('"', at) - at);
}

// A door that opens once.
class Gate {
 public:
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// What an agent of the test does; and the engine that it is an agent of.
struct Agent {
  explicit Agent(void (*body)(Agent&, routines_execution*), uint32_t flags = 0,
                 int64_t grace_ns = kMinute)
      : body(body) {
    routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
    options.cancel_grace_ns = grace_ns;
    EXPECT_EQ(routines_engine_open(&options, &engine, nullptr), ROUTINES_OK);
    routines_executor executor = ROUTINES_EXECUTOR_INIT;
    executor.self = this;
    executor.flags = flags;
    executor.start = [](void* self, routines_execution* execution) {
      Agent& agent = *static_cast<Agent*>(self);
      agent.body(agent, execution);
    };
    executor.destroy = [](void* self) { ++static_cast<Agent*>(self)->destroyed; };
    EXPECT_EQ(routines_engine_register_executor(engine, Str("agent"), &executor, nullptr),
              ROUTINES_OK);
    EXPECT_EQ(
        routines_engine_put_routine(engine, Str("name: r\nprompt: p\n"), {}, nullptr, nullptr),
        ROUTINES_OK);
    EXPECT_EQ(routines_engine_start(engine, nullptr), ROUTINES_OK);
  }

  std::string Run() {
    routines_text* json = nullptr;
    EXPECT_EQ(routines_engine_run(engine, {}, Str("r"), {}, &json, nullptr), ROUTINES_OK);
    return SessionIn(Take(json));
  }
  std::string RunToTheEnd() {
    routines_text* json = nullptr;
    EXPECT_EQ(routines_engine_wait_session(engine, Str(Run().c_str()), kMinute, &json, nullptr),
              ROUTINES_OK);
    return Take(json);
  }
  void Destroy() {
    EXPECT_EQ(routines_engine_destroy(engine), ROUTINES_OK);
    EXPECT_EQ(destroyed, 1);
  }

  void (*const body)(Agent&, routines_execution*);
  routines_engine* engine = nullptr;
  routines_execution* kept = nullptr;
  std::atomic<int> destroyed = 0;
  Gate gate, entered;
};

void Succeed(routines_execution* execution) {
  const routines_outcome outcome = ROUTINES_OUTCOME_INIT;
  EXPECT_EQ(routines_execution_finish(execution, &outcome, nullptr), ROUTINES_OK);
}

TEST(CAbiCallbacks, OneThatThrowsFailsItsSessionAlone) {
  for (const uint32_t flags : {0u, ROUTINES_EXECUTOR_START_INLINE}) {
    Agent agent([](Agent&, routines_execution*) { throw std::runtime_error("out of paper"); },
                flags);
    for (int i = 0; i < 3; ++i) {
      const std::string session = agent.RunToTheEnd();
      EXPECT_NE(session.find("out of paper"), session.npos) << session;
      EXPECT_NE(session.find("\"reason\":\"exception\""), session.npos) << session;
    }
    agent.Destroy();
  }
}

TEST(CAbiCallbacks, OneThatThrowsWhatIsNoExceptionFailsItsSession) {
  Agent agent([](Agent&, routines_execution*) { throw 7; });
  EXPECT_NE(agent.RunToTheEnd().find("\"state\":\"failed\""), std::string::npos);
  agent.Destroy();
}

TEST(CAbiCallbacks, OneMayCallTheEngineButNotEndIt) {
  for (const uint32_t flags : {0u, ROUTINES_EXECUTOR_START_INLINE}) {
    Agent agent(
        [](Agent& self, routines_execution* execution) {
          routines_text* json = nullptr;
          EXPECT_EQ(routines_engine_list_routines(self.engine, {}, &json, nullptr), ROUTINES_OK);
          Take(json);
          EXPECT_EQ(routines_engine_put_routine(self.engine, Str("name: q\nprompt: p\n"), {},
                                                nullptr, nullptr),
                    ROUTINES_OK);
          EXPECT_EQ(routines_engine_destroy(self.engine), ROUTINES_FAILED_PRECONDITION);
          EXPECT_EQ(routines_engine_stop(self.engine, nullptr), ROUTINES_FAILED_PRECONDITION);
          EXPECT_EQ(routines_engine_start(self.engine, nullptr), ROUTINES_FAILED_PRECONDITION);
          EXPECT_EQ(routines_engine_step(self.engine, nullptr, nullptr),
                    ROUTINES_FAILED_PRECONDITION);
          EXPECT_EQ(routines_engine_advance(self.engine, 1, nullptr), ROUTINES_FAILED_PRECONDITION);
          Succeed(execution);
        },
        flags);
    EXPECT_NE(agent.RunToTheEnd().find("succeeded"), std::string::npos);
    agent.Destroy();
  }
}

TEST(CAbiCallbacks, OneMayDestroyItsExecution) {
  Agent agent([](Agent&, routines_execution* execution) {
    EXPECT_EQ(routines_execution_destroy(execution), ROUTINES_OK);
    EXPECT_EQ(routines_execution_destroy(execution), ROUTINES_INVALID_HANDLE);
    EXPECT_EQ(routines_execution_assistant(execution, Str("x"), nullptr), ROUTINES_INVALID_HANDLE);
  });
  EXPECT_NE(agent.RunToTheEnd().find("\"reason\":\"abandoned\""), std::string::npos);
  agent.Destroy();
}

TEST(CAbiCallbacks, AnExecutionThatIsFinishedByEightThreadsIsFinishedOnce) {
  Agent agent([](Agent&, routines_execution* execution) {
    std::atomic<int> finished = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const routines_outcome outcome = ROUTINES_OUTCOME_INIT;
        const routines_code code = routines_execution_finish(execution, &outcome, nullptr);
        EXPECT_TRUE(code == ROUTINES_OK || code == ROUTINES_INVALID_HANDLE) << code;
        if (code == ROUTINES_OK) ++finished;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(finished, 1);
  });
  EXPECT_NE(agent.RunToTheEnd().find("succeeded"), std::string::npos);
  agent.Destroy();
}

// The engine goes; the function's `self` stays until it has returned.
TEST(CAbiCallbacks, OneThatDoesNotReturnIsLeftAloneAfterTheGrace) {
  Agent agent(
      [](Agent& self, routines_execution* execution) {
        self.kept = execution;
        self.entered.Open();
        self.gate.Wait();
        EXPECT_EQ(routines_execution_assistant(execution, Str("x"), nullptr),
                  ROUTINES_INVALID_HANDLE);
      },
      0, /*grace_ns=*/20'000'000);
  agent.Run();
  agent.entered.Wait();
  EXPECT_EQ(routines_engine_destroy(agent.engine), ROUTINES_OK);
  EXPECT_EQ(agent.destroyed, 0);
  EXPECT_EQ(routines_execution_destroy(agent.kept), ROUTINES_INVALID_HANDLE);
  agent.gate.Open();
  while (agent.destroyed == 0) std::this_thread::yield();
}

TEST(CAbiCallbacks, AFollowerThatThrowsOrHadEnoughEndsItsCallOnly) {
  Agent agent([](Agent&, routines_execution* execution) { Succeed(execution); });
  const std::string session = agent.Run();
  EXPECT_EQ(
      routines_engine_follow_session(
          agent.engine, Str(session.c_str()), 0, kMinute,
          [](void*, routines_string) -> int { throw std::runtime_error("no"); }, nullptr, nullptr),
      ROUTINES_INTERNAL);
  EXPECT_EQ(routines_engine_follow_session(
                agent.engine, Str(session.c_str()), 0, kMinute,
                [](void* self, routines_string) -> int {
                  EXPECT_EQ(routines_engine_destroy(static_cast<routines_engine*>(self)),
                            ROUTINES_FAILED_PRECONDITION);
                  return 1;
                },
                agent.engine, nullptr),
            ROUTINES_CANCELLED);
  agent.Destroy();
}

TEST(CAbiCallbacks, ASourceThatThrowsOrRefusesFailsTheStart) {
  static std::atomic<int> destroyed, stopped;
  for (const bool throws : {false, true}) {
    destroyed = stopped = 0;
    routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
    routines_engine* engine = nullptr;
    routines_error* error = nullptr;
    ASSERT_EQ(routines_engine_open(&options, &engine, nullptr), ROUTINES_OK);
    routines_source source = ROUTINES_SOURCE_INIT;
    source.stop = [](void*) { ++stopped; };
    source.destroy = [](void*) { ++destroyed; };
    source.start = [](void*, routines_sink*) { return ROUTINES_OK; };
    ASSERT_EQ(routines_engine_add_source(engine, Str("a"), &source, nullptr), ROUTINES_OK);
    source.start = [](void*, routines_sink*) { return ROUTINES_UNAVAILABLE; };
    if (throws) source.start = [](void*, routines_sink*) -> routines_code { throw 1; };
    ASSERT_EQ(routines_engine_add_source(engine, Str("b"), &source, nullptr), ROUTINES_OK);
    EXPECT_EQ(routines_engine_start(engine, &error),
              throws ? ROUTINES_INTERNAL : ROUTINES_UNAVAILABLE);
    routines_string message = {};
    EXPECT_EQ(routines_error_message(error, &message), ROUTINES_OK);
    EXPECT_NE(std::string(message.data, message.size).find("source \"b\""), std::string::npos);
    EXPECT_EQ(routines_error_destroy(error), ROUTINES_OK);
    EXPECT_EQ(stopped, 1);  // the first one, which had started
    EXPECT_EQ(routines_engine_destroy(engine), ROUTINES_OK);
    EXPECT_EQ(destroyed, 2);
  }
}

// A source of a test; each does what it does in `start`.
struct Source {
  explicit Source(routines_code (*body)(Source&, routines_sink*)) : body(body) {
    routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
    EXPECT_EQ(routines_engine_open(&options, &engine, nullptr), ROUTINES_OK);
    routines_source source = ROUTINES_SOURCE_INIT;
    source.self = this;
    source.start = [](void* self, routines_sink* sink) {
      Source& mine = *static_cast<Source*>(self);
      return mine.body(mine, sink);
    };
    source.stop = [](void*) { throw std::runtime_error("is caught"); };
    EXPECT_EQ(routines_engine_add_source(engine, Str("s"), &source, nullptr), ROUTINES_OK);
  }

  routines_code (*const body)(Source&, routines_sink*);
  routines_engine* engine = nullptr;
  Gate told;
};

TEST(CAbiCallbacks, ASourceMayCallTheEngineButNotEndItNorRegisterAnything) {
  Source source([](Source& self, routines_sink*) {
    routines_source another = ROUTINES_SOURCE_INIT;
    another.start = [](void*, routines_sink*) { return ROUTINES_OK; };
    another.stop = [](void*) {};
    routines_executor executor = ROUTINES_EXECUTOR_INIT;
    executor.start = [](void*, routines_execution*) {};
    const routines_string program = Str("true");
    EXPECT_EQ(routines_engine_add_source(self.engine, Str("b"), &another, nullptr),
              ROUTINES_FAILED_PRECONDITION);
    EXPECT_EQ(routines_engine_register_executor(self.engine, Str("b"), &executor, nullptr),
              ROUTINES_FAILED_PRECONDITION);
    EXPECT_EQ(routines_engine_register_program(self.engine, Str("b"), &program, 1, nullptr),
              ROUTINES_FAILED_PRECONDITION);
    EXPECT_EQ(routines_engine_start(self.engine, nullptr), ROUTINES_FAILED_PRECONDITION);
    EXPECT_EQ(routines_engine_stop(self.engine, nullptr), ROUTINES_FAILED_PRECONDITION);
    EXPECT_EQ(routines_engine_destroy(self.engine), ROUTINES_FAILED_PRECONDITION);
    EXPECT_EQ(
        routines_engine_put_routine(self.engine, Str("name: q\nprompt: p\n"), {}, nullptr, nullptr),
        ROUTINES_OK);
    return ROUTINES_OK;
  });
  EXPECT_EQ(routines_engine_start(source.engine, nullptr), ROUTINES_OK);
  EXPECT_EQ(routines_engine_destroy(source.engine), ROUTINES_OK);
}

TEST(CAbiCallbacks, OneThatHearsOfItsEventMayThrowAndMayNotEndTheEngine) {
  Source source([](Source& self, routines_sink* sink) {
    routines_event event = ROUTINES_EVENT_INIT;
    event.external_id = Str("1");
    return routines_sink_emit_async(
        sink, &event,
        [](void* self, routines_code code) {
          Source& mine = *static_cast<Source*>(self);
          EXPECT_EQ(code, ROUTINES_OK);
          EXPECT_EQ(routines_engine_destroy(mine.engine), ROUTINES_FAILED_PRECONDITION);
          mine.told.Open();
          throw 1;
        },
        &self, nullptr);
  });
  EXPECT_EQ(routines_engine_start(source.engine, nullptr), ROUTINES_OK);
  source.told.Wait();
  EXPECT_EQ(routines_engine_destroy(source.engine), ROUTINES_OK);
}

TEST(CAbiCallbacks, SecretsThatThrowOrGiveNothingFailTheirSessionAlone) {
  for (const bool throws : {true, false}) {
    routines_secrets secrets = ROUTINES_SECRETS_INIT;
    secrets.get = [](void*, routines_string, routines_string, routines_text**) {
      return ROUTINES_OK;  // and gives no text
    };
    if (throws) {
      secrets.get = [](void*, routines_string, routines_string, routines_text**) -> routines_code {
        throw std::runtime_error("the vault is shut");
      };
    }
    routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
    options.secrets = &secrets;
    routines_engine* engine = nullptr;
    ASSERT_EQ(routines_engine_open(&options, &engine, nullptr), ROUTINES_OK);
    routines_executor executor = ROUTINES_EXECUTOR_INIT;
    executor.start = [](void*, routines_execution* execution) { Succeed(execution); };
    ASSERT_EQ(routines_engine_register_executor(engine, Str("a"), &executor, nullptr), ROUTINES_OK);
    ASSERT_EQ(routines_engine_put_routine(
                  engine, Str("name: r\nprompt: p\nenvironment: {secrets: [KEY]}\n"), {}, nullptr,
                  nullptr),
              ROUTINES_OK);
    ASSERT_EQ(routines_engine_start(engine, nullptr), ROUTINES_OK);
    routines_text* json = nullptr;
    ASSERT_EQ(routines_engine_run(engine, {}, Str("r"), {}, &json, nullptr), ROUTINES_OK);
    const std::string session = SessionIn(Take(json));
    ASSERT_EQ(routines_engine_wait_session(engine, Str(session.c_str()), kMinute, &json, nullptr),
              ROUTINES_OK);
    EXPECT_NE(Take(json).find("\"state\":\"failed\""), std::string::npos);
    EXPECT_EQ(routines_engine_destroy(engine), ROUTINES_OK);
  }
}

TEST(CAbiCallbacks, DestroyIsCalledWhateverWasWrong) {
  static std::atomic<int> destroyed;
  destroyed = 0;
  routines_executor executor = ROUTINES_EXECUTOR_INIT;
  executor.destroy = [](void*) {
    ++destroyed;
    throw 1;  // is caught
  };
  EXPECT_EQ(routines_engine_register_executor(nullptr, Str("a"), &executor, nullptr),
            ROUTINES_INVALID_HANDLE);
  EXPECT_EQ(destroyed, 1);
  routines_source source = ROUTINES_SOURCE_INIT;
  source.destroy = executor.destroy;
  EXPECT_EQ(routines_engine_add_source(nullptr, Str("a"), &source, nullptr),
            ROUTINES_INVALID_HANDLE);
  EXPECT_EQ(destroyed, 2);
  routines_secrets secrets = ROUTINES_SECRETS_INIT;
  secrets.destroy = executor.destroy;
  routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
  options.secrets = &secrets;
  routines_engine* engine = nullptr;
  EXPECT_EQ(routines_engine_open(&options, &engine, nullptr), ROUTINES_INVALID_ARGUMENT);
  EXPECT_EQ(destroyed, 3);
}

}  // namespace
