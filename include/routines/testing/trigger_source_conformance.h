// Holds a TriggerSource to its contract (routines/trigger_source.h), in a GoogleTest program:
//
//   #include "routines/testing/trigger_source_conformance.h"  // in one source of the program
//
//   namespace routines::testing {
//   INSTANTIATE_TEST_SUITE_P(Inbox, TriggerSourceConformanceTest,
//                            ::testing::Values(TriggerSourceFactory{
//                                .make = [] { return std::make_unique<Inbox>(NewFolder()); },
//                                .happen = [](int number) { WriteFile(number); }}));
//   }
//
// Every test makes a source of its own, which starts where nothing has happened yet. The tests wait
// for events, never for time to pass; a minute without the event is a failure.
#ifndef ROUTINES_TESTING_TRIGGER_SOURCE_CONFORMANCE_H_
#define ROUTINES_TESTING_TRIGGER_SOURCE_CONFORMANCE_H_

#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "routines/event.h"
#include "routines/trigger_source.h"

namespace routines::testing {

// An EventSink that keeps what it is given, and answers as it is told.
//
// Thread-safety: every method may be called from any thread.
class RecordingSink : public EventSink {
 public:
  // The next `count` events are answered with `status`, those after them with OK.
  void AnswerNext(int count, absl::Status status) {
    absl::MutexLock lock(&mu_);
    failures_ = count;
    status_ = std::move(status);
  }
  // Events are not answered until Stop; at most `backlog` are let in.
  void HoldAnswers(int backlog) {
    absl::MutexLock lock(&mu_);
    backlog_ = backlog;
  }
  void Stop() {
    std::vector<Done> held;
    {
      absl::MutexLock lock(&mu_);
      stopped_ = true;
      stopping_.Cancel();
      held.swap(held_);
    }
    for (Done& done : held) done(absl::CancelledError("the sink was stopped"));
  }

  // From now on nothing may be emitted any more.
  void Forbid() {
    absl::MutexLock lock(&mu_);
    forbidden_ = true;
  }

  void EmitAsync(DeliverRequest request, Done done) override {
    absl::StatusOr<DeliverResult> answer = DeliverResult();
    {
      absl::MutexLock lock(&mu_);
      if (forbidden_) ++late_;
      mu_.Await(absl::Condition(
          +[](RecordingSink* self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(self->mu_) {
            return self->stopped_ || self->backlog_ < 0 ||
                   static_cast<int>(self->held_.size()) < self->backlog_;
          },
          this));
      if (stopped_) {
        answer = absl::CancelledError("the sink was stopped");
      } else {
        events_.push_back(std::move(request.event));
        if (backlog_ >= 0) return held_.push_back(std::move(done));
        if (failures_ > 0) {
          --failures_;
          answer = status_;
        }
      }
    }
    done(std::move(answer));
  }

  const Cancellation& stopping() const override { return stopping_; }

  // Waits until `count` events came; false after `timeout`.
  bool WaitFor(size_t count, absl::Duration timeout = absl::Seconds(60)) {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, count]()
                            ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return events_.size() >= count; };
    return mu_.AwaitWithTimeout(absl::Condition(&enough), timeout);
  }

  std::vector<v1::Event> events() {
    absl::MutexLock lock(&mu_);
    return events_;
  }
  // How many were emitted although they were forbidden.
  int late() {
    absl::MutexLock lock(&mu_);
    return late_;
  }

 private:
  Cancellation stopping_;
  absl::Mutex mu_;
  std::vector<v1::Event> events_ ABSL_GUARDED_BY(mu_);
  std::vector<Done> held_ ABSL_GUARDED_BY(mu_);
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  int failures_ ABSL_GUARDED_BY(mu_) = 0;
  int backlog_ ABSL_GUARDED_BY(mu_) = -1;
  int late_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  bool forbidden_ ABSL_GUARDED_BY(mu_) = false;
};

struct TriggerSourceFactory {
  std::function<std::shared_ptr<TriggerSource>()> make;
  // Makes the thing happen, outside, that the source made last turns into an event; each number is
  // another one.
  std::function<void(int number)> happen;

  // For the names of the tests; GoogleTest would print the bytes.
  friend void PrintTo(const TriggerSourceFactory&, std::ostream* out) { *out << "source"; }
};

class TriggerSourceConformanceTest : public ::testing::TestWithParam<TriggerSourceFactory> {
 protected:
  void SetUp() override {
    source_ = GetParam().make();
    ASSERT_NE(source_, nullptr) << "the factory's make() gave no source";
  }
  // As the engine does it.
  void StopSource() {
    sink_->Stop();
    source_->Stop();
    sink_->Forbid();
  }
  static std::set<std::string> IdsOf(const std::vector<v1::Event>& events) {
    std::set<std::string> ids;
    for (const v1::Event& event : events) ids.insert(event.external_id());
    return ids;
  }

  std::shared_ptr<TriggerSource> source_;
  std::shared_ptr<RecordingSink> sink_ = std::make_shared<RecordingSink>();
};

TEST_P(TriggerSourceConformanceTest, EmitsWhatHappensWithAnIdAndAPayloadThatCanBeRead) {
  ASSERT_TRUE(source_->Start(sink_).ok());
  GetParam().happen(1);
  ASSERT_TRUE(sink_->WaitFor(1));
  const v1::Event event = sink_->events().front();
  EXPECT_FALSE(event.external_id().empty());
  if (!event.payload().empty()) {
    EXPECT_TRUE(CheckPayload(event.payload()).ok()) << event.payload();
  }
  StopSource();
}

TEST_P(TriggerSourceConformanceTest, GivesEachThingAnIdOfItsOwn) {
  ASSERT_TRUE(source_->Start(sink_).ok());
  for (int number = 0; number < 32; ++number) GetParam().happen(number);
  ASSERT_TRUE(sink_->WaitFor(32));
  StopSource();
  EXPECT_EQ(IdsOf(sink_->events()).size(), 32u);
}

TEST_P(TriggerSourceConformanceTest, EmitsAgainWithTheSameIdWhatWasNotDurable) {
  sink_->AnswerNext(2, absl::UnavailableError("the disk is full"));
  ASSERT_TRUE(source_->Start(sink_).ok());
  GetParam().happen(1);
  ASSERT_TRUE(sink_->WaitFor(3));
  StopSource();
  EXPECT_EQ(IdsOf(sink_->events()).size(), 1u);
}

TEST_P(TriggerSourceConformanceTest, DoesNotEmitForEverWhatCannotBeTaken) {
  sink_->AnswerNext(1, absl::InvalidArgumentError("no such thing"));
  ASSERT_TRUE(source_->Start(sink_).ok());
  GetParam().happen(1);
  ASSERT_TRUE(sink_->WaitFor(1));
  GetParam().happen(2);
  ASSERT_TRUE(sink_->WaitFor(2));
  StopSource();
  EXPECT_EQ(IdsOf(sink_->events()).size(), sink_->events().size());
}

TEST_P(TriggerSourceConformanceTest, StopsWhileNothingHappens) {
  ASSERT_TRUE(source_->Start(sink_).ok());
  StopSource();
  EXPECT_TRUE(sink_->events().empty());
}

TEST_P(TriggerSourceConformanceTest, StopsWhileItsEventsWaitForTheEngine) {
  sink_->HoldAnswers(1);
  ASSERT_TRUE(source_->Start(sink_).ok());
  for (int number = 0; number < 4; ++number) GetParam().happen(number);
  ASSERT_TRUE(sink_->WaitFor(1));
  StopSource();
}

TEST_P(TriggerSourceConformanceTest, IsQuietAfterStopAndHoldsNothingAfterItsEnd) {
  ASSERT_TRUE(source_->Start(sink_).ok());
  GetParam().happen(1);
  ASSERT_TRUE(sink_->WaitFor(1));
  StopSource();
  GetParam().happen(2);
  source_.reset();
  EXPECT_EQ(sink_->late(), 0);
  EXPECT_EQ(sink_.use_count(), 1) << "the source still holds the sink";
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_TRIGGER_SOURCE_CONFORMANCE_H_
