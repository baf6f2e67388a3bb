// Misuse of every function gives an error code, and nothing else. The calls are made from the
// header by make_misuse.py; what they are given is here.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "routines/c/routines.h"

namespace {

const char kRoutine[] = "name: r\nprompt: p\ntriggers: [{id: trig_misuse001, api: {}}]\n";

template <typename T>
routines_code Destroy(T*) {
  return ROUTINES_OK;
}
template <>
routines_code Destroy(routines_error* e) {
  return routines_error_destroy(e);
}
template <>
routines_code Destroy(routines_text* e) {
  return routines_text_destroy(e);
}
template <>
routines_code Destroy(routines_matcher* e) {
  return routines_matcher_destroy(e);
}
template <>
routines_code Destroy(routines_matches* e) {
  return routines_matches_destroy(e);
}
template <>
routines_code Destroy(routines_schedule* e) {
  return routines_schedule_destroy(e);
}
template <>
routines_code Destroy(routines_clock* e) {
  return routines_clock_destroy(e);
}
template <>
routines_code Destroy(routines_engine* e) {
  return routines_engine_destroy(e);
}
template <>
routines_code Destroy(routines_execution* e) {
  return routines_execution_destroy(e);
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  uint64_t Below(uint64_t n) { return engine_() % n; }
  template <typename T>
  T Number() {
    switch (Below(4)) {
      case 0:
        return std::numeric_limits<T>::max();
      case 1:
        return std::numeric_limits<T>::min();
      default:
        return static_cast<T>(Below(1000));
    }
  }
  int64_t SmallTime() { return static_cast<int64_t>(Below(100'000)); }
  size_t Count() { return Below(2); }  // results have room for one
  routines_string String() {
    static const char* const kTexts[] = {"",
                                         "x",
                                         "default",
                                         "r",
                                         "trig_misuse001",
                                         kRoutine,
                                         "github",
                                         "\xff\xfe",
                                         "{\"name\":\"j\",\"prompt\":\"p\"}"};
    if (Below(8) == 0) return {nullptr, Below(2) == 0 ? 0 : SIZE_MAX};
    return routines_str(kTexts[Below(9)]);
  }
  routines_bytes Bytes() {
    const routines_string text = String();
    return {text.data, text.size};
  }
  template <typename T>
  const T* Struct(T* made) {
    if (Below(8) == 0) made->struct_size = Below(2 * sizeof(T));
    return made;
  }

 private:
  std::mt19937_64 engine_;
};

// Handles of every noun, good and bad.
class World {
 public:
  World() {
    routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
    options.max_concurrent_sessions = 1000;
    options.cancel_grace_ns = 1'000'000'000;
    EXPECT_EQ(routines_engine_open(&options, &engine_, nullptr), ROUTINES_OK);
    routines_executor executor = ROUTINES_EXECUTOR_INIT;
    executor.self = this;
    executor.start = [](void* self, routines_execution* execution) {
      World& world = *static_cast<World*>(self);
      std::lock_guard lock(world.mutex_);
      world.executions_.push_back(execution);
      world.changed_.notify_all();
    };
    executor.flags = ROUTINES_EXECUTOR_START_INLINE;
    EXPECT_EQ(routines_engine_register_executor(engine_, routines_str("park"), &executor, nullptr),
              ROUTINES_OK);
    routines_source source = ROUTINES_SOURCE_INIT;
    source.self = this;
    source.start = [](void* self, routines_sink* sink) {
      static_cast<World*>(self)->sink_ = sink;
      return ROUTINES_OK;
    };
    source.stop = [](void*) {};
    EXPECT_EQ(routines_engine_add_source(engine_, routines_str("s"), &source, nullptr),
              ROUTINES_OK);
    EXPECT_EQ(routines_engine_put_routine(engine_, routines_str(kRoutine), {}, nullptr, nullptr),
              ROUTINES_OK);
    EXPECT_EQ(routines_engine_start(engine_, nullptr), ROUTINES_OK);
    freed_sink_ = FreedSink();
  }
  ~World() { EXPECT_EQ(routines_engine_destroy(engine_), ROUTINES_OK); }

  // A new one, but of engines and sinks, which are costly. Whoever gets it ends it by Take.
  template <typename T>
  T* New();

  // For one call; ended by EndLent.
  template <typename T>
  T* Good() {
    T* const made = New<T>();
    if constexpr (!std::is_same_v<T, routines_engine> && !std::is_same_v<T, routines_sink>) {
      lent_.push_back([made] { (void)Destroy(made); });
    }
    return made;
  }
  void EndLent() {
    for (const auto& end : lent_) end();
    lent_.clear();
  }

  template <typename T>
  T* Freed() {
    if constexpr (std::is_same_v<T, routines_sink>) return freed_sink_;
    T* handle;
    if constexpr (std::is_same_v<T, routines_engine>) {
      routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
      EXPECT_EQ(routines_engine_open(&options, &handle, nullptr), ROUTINES_OK);
    } else {
      handle = New<T>();
    }
    EXPECT_EQ(Destroy(handle), ROUTINES_OK);
    return handle;
  }

  // NULL, freed, another noun, the caller's memory, and numbers.
  template <typename T>
  std::vector<T*> Bad() {
    std::vector<T*> bad = {nullptr,
                           Freed<T>(),
                           reinterpret_cast<T*>(this),
                           reinterpret_cast<T*>(uintptr_t{1}),
                           reinterpret_cast<T*>(UINTPTR_MAX),
                           reinterpret_cast<T*>(uintptr_t{0xA5} << 56)};
    bad.push_back(std::is_same_v<T, routines_text> ? reinterpret_cast<T*>(Good<routines_schedule>())
                                                   : reinterpret_cast<T*>(Good<routines_text>()));
    // A neighbour of a living one.
    bad.push_back(reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(Good<T>()) ^ (1 << 20)));
    return bad;
  }

  // Of a pool that all threads share, good and bad.
  template <typename T>
  T* Any(Random& random) {
    const size_t place = random.Below(kPool);
    auto& slot = Pool<T>()[place];
    if (slot.load() == nullptr || random.Below(16) == 0) {
      T* const made = New<T>();
      T* const old = slot.exchange(made);
      if (old != nullptr && random.Below(2) == 0) (void)Destroy(old);
    }
    return random.Below(16) == 0 ? reinterpret_cast<T*>(random.Below(UINT64_MAX)) : slot.load();
  }
  template <typename T>
  void Take(T* handle) {
    (void)Destroy(handle);
  }

  bool stressed = false;

 private:
  static constexpr size_t kPool = 16;
  template <typename T>
  std::atomic<T*>* Pool() {
    static std::atomic<T*> pool[kPool] = {};
    return pool;
  }

  static routines_sink* FreedSink() {
    routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
    routines_engine* engine;
    EXPECT_EQ(routines_engine_open(&options, &engine, nullptr), ROUTINES_OK);
    routines_source source = ROUTINES_SOURCE_INIT;
    routines_sink* kept = nullptr;
    source.self = &kept;
    source.start = [](void* self, routines_sink* sink) {
      *static_cast<routines_sink**>(self) = sink;
      return ROUTINES_OK;
    };
    source.stop = [](void*) {};
    EXPECT_EQ(routines_engine_add_source(engine, routines_str("s"), &source, nullptr), ROUTINES_OK);
    EXPECT_EQ(routines_engine_start(engine, nullptr), ROUTINES_OK);
    EXPECT_EQ(routines_engine_destroy(engine), ROUTINES_OK);
    return kept;
  }

  routines_engine* engine_ = nullptr;
  routines_sink* sink_ = nullptr;
  routines_sink* freed_sink_ = nullptr;
  std::vector<std::function<void()>> lent_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<routines_execution*> executions_;
};

template <>
routines_error* World::New() {
  routines_error* made = nullptr;
  EXPECT_EQ(routines_matcher_remove(nullptr, {}, {}, &made), ROUTINES_INVALID_HANDLE);
  return made;
}
template <>
routines_text* World::New() {
  routines_text* made = nullptr;
  EXPECT_EQ(routines_text_create(routines_str("x"), &made), ROUTINES_OK);
  return made;
}
template <>
routines_matcher* World::New() {
  routines_matcher* made = nullptr;
  EXPECT_EQ(routines_matcher_create(&made, nullptr), ROUTINES_OK);
  return made;
}
template <>
routines_matches* World::New() {
  routines_matches* made = nullptr;
  EXPECT_EQ(routines_matches_create(&made, nullptr), ROUTINES_OK);
  return made;
}
template <>
routines_schedule* World::New() {
  routines_schedule* made = nullptr;
  EXPECT_EQ(routines_schedule_parse(routines_str("@daily"), {}, &made, nullptr), ROUTINES_OK);
  return made;
}
template <>
routines_clock* World::New() {
  routines_clock* made = nullptr;
  EXPECT_EQ(routines_clock_create_simulated(0, &made, nullptr), ROUTINES_OK);
  return made;
}
template <>
routines_engine* World::New() {
  if (!stressed) return engine_;
  routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
  routines_engine* made = nullptr;
  EXPECT_EQ(routines_engine_open(&options, &made, nullptr), ROUTINES_OK);
  return made;
}
template <>
routines_sink* World::New() {
  return sink_;
}
template <>
routines_execution* World::New() {
  (void)routines_engine_run(engine_, {}, routines_str("r"), {}, nullptr, nullptr);
  std::unique_lock lock(mutex_);
  // Another thread may have deleted the routine, or taken what came.
  changed_.wait_for(lock, std::chrono::seconds(stressed ? 0 : 60),
                    [this] { return !executions_.empty(); });
  if (executions_.empty()) return nullptr;
  routines_execution* const made = executions_.back();
  executions_.pop_back();
  return made;
}

std::vector<routines_string> BadStrings() {
  return {{nullptr, 5}, {"x", SIZE_MAX}, {"x", ROUTINES_MAX_BYTES + 1},
          {"a\xff", 2}, {"\xc3", 1},     {"\xed\xa0\x80", 3}};
}
std::vector<routines_bytes> BadBytes() {
  return {{nullptr, 5}, {"x", SIZE_MAX}, {"x", ROUTINES_MAX_BYTES + 1}};
}
std::vector<size_t> BadSizes(size_t right) {
  return {0, 1, sizeof(size_t), right - 1, right + 1, 2 * right, SIZE_MAX};
}

int On_routines_log_callback(void*, routines_string) {
  return 0;
}
void On_routines_emit_callback(void*, routines_code) {}

#include "misuse_calls.inc"

Made::Made() {
  the_routines_executor.start = [](void*, routines_execution* execution) {
    (void)routines_execution_destroy(execution);
  };
  the_routines_source.start = [](void*, routines_sink*) { return ROUTINES_OK; };
  the_routines_source.stop = [](void*) {};
}

template <typename F>
void Check(int code, World& world, F call, const char* what) {
  Out out;
  Made made;
  const int got = call(out, made);
  if (code != -1) {
    EXPECT_EQ(routines_code_name(got), std::string(routines_code_name(code))) << what;
  }
  EXPECT_EQ(out.routines_error_p_p != nullptr && got == ROUTINES_OK, false) << what;
  Free(world, out);
  world.EndLent();
}

TEST(CAbiMisuse, OfEveryArgumentOfEveryFunctionGivesAnErrorCode) {
  World world;
  for (const auto& misuse : kMisuses) {
    SCOPED_TRACE(misuse.name);
    misuse.run(world);
  }
  EXPECT_GT(std::size(kMisuses), 75u);
}

TEST(CAbiMisuse, FromEightThreadsAtOnceCrashesNothing) {
  const char* const wanted = std::getenv("ROUTINES_MISUSE_ROUNDS");
  const int rounds = wanted == nullptr ? 1000 : std::atoi(wanted);
  World world;
  world.stressed = true;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&world, rounds, thread] {
      Random random(thread);
      for (int round = 0; round < rounds; ++round) {
        kStress[random.Below(std::size(kStress))](world, random);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
