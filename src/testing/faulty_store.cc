#include "routines/testing/faulty_store.h"

#include <utility>

namespace routines::testing {
namespace {

absl::Status Refused() {
  return absl::UnavailableError("a fault was asked for: nothing was stored");
}

absl::Status Lost() {
  return absl::UnavailableError("a fault was asked for: it may have been stored");
}

}  // namespace

FaultyStore::FaultyStore(std::shared_ptr<Store> store, Plan plan)
    : store_(std::move(store)), plan_(std::move(plan)) {}

FaultyStore::~FaultyStore() {
  {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](FaultyStore* store)
             ABSL_EXCLUSIVE_LOCKS_REQUIRED(store->mu_) { return store->owed_ == 0; },
        this));
  }
  AnswerHeld();
}

FaultyStore::Fault FaultyStore::Draw(Operation operation) {
  if (cut_) return Fault::kRefuse;
  const Fault fault = plan_ ? plan_(operation) : Fault::kNone;
  if (fault == Fault::kDieBefore) Cut();
  return cut_ ? Fault::kRefuse : fault;  // the plan may have cut it
}

bool FaultyStore::LosesAnswer(Fault fault) {
  if (fault == Fault::kDieAfter) Cut();
  return fault == Fault::kLoseAnswer || cut_;
}

void FaultyStore::AnswerHeld() {
  std::vector<std::function<void()>> held;
  {
    absl::MutexLock lock(&mu_);
    held.swap(held_);
  }
  for (const std::function<void()>& answer : held) answer();
}

template <typename Result, typename Done>
Done FaultyStore::Answering(Fault fault, Done done) {
  {
    absl::MutexLock lock(&mu_);
    ++owed_;
  }
  return [this, fault, done = std::move(done)](absl::StatusOr<Result> result) {
    const bool lost = LosesAnswer(fault);
    if (lost || fault != Fault::kHoldAnswer) {
      done(lost ? absl::StatusOr<Result>(Lost()) : std::move(result));
    }
    absl::MutexLock lock(&mu_);
    --owed_;
    if (lost || fault != Fault::kHoldAnswer) return;
    held_.push_back([this, done, result = std::move(result)] {
      done(cut_ ? absl::StatusOr<Result>(Lost()) : result);
    });
  };
}

void FaultyStore::Admit(Admission admission, AdmitDone done) {
  const Fault fault = Draw(Operation::kAdmit);
  if (fault == Fault::kRefuse) return done(Refused());
  store_->Admit(std::move(admission), Answering<Admitted>(fault, std::move(done)));
}

void FaultyStore::Update(SessionUpdate update, UpdateDone done) {
  const Fault fault = Draw(Operation::kUpdate);
  if (fault == Fault::kRefuse) return done(Refused());
  store_->Update(std::move(update), Answering<Updated>(fault, std::move(done)));
}

absl::StatusOr<std::vector<v1::Session>> FaultyStore::Lease(const LeaseRequest& request) {
  const Fault fault = Draw(Operation::kLease);
  if (fault == Fault::kRefuse) return Refused();
  auto leased = store_->Lease(request);
  if (LosesAnswer(fault)) return Lost();
  return leased;
}

absl::Status FaultyStore::Save(const Change& change) {
  const Fault fault = Draw(Operation::kSave);
  if (fault == Fault::kRefuse) return Refused();
  absl::Status saved = store_->Save(change);
  return LosesAnswer(fault) ? Lost() : saved;
}

absl::StatusOr<Rows> FaultyStore::Read(const Query& query) {
  const Fault fault = Draw(Operation::kRead);
  if (fault == Fault::kRefuse) return Refused();
  auto rows = store_->Read(query);
  if (LosesAnswer(fault)) return Lost();
  return rows;
}

}  // namespace routines::testing
