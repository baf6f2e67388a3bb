// A Store in front of another that fails as it is told: what a host should survive, made to order.
//
//   auto store = std::make_shared<FaultyStore>(NewMemoryStore(), [&](FaultyStore::Operation) {
//     return ++calls % 10 == 0 ? FaultyStore::Fault::kLoseAnswer : FaultyStore::Fault::kNone;
//   });
//
// Thread-safety: every method may be called from any thread; the plan is called under no lock, and
//   may itself use the store behind.
// Ownership: shares the store behind; what is committed there outlives this one, as a file outlives
//   the process that wrote it.
// Blocking: as the store behind.
// Errors: what it makes up is kUnavailable.
#ifndef ROUTINES_TESTING_FAULTY_STORE_H_
#define ROUTINES_TESTING_FAULTY_STORE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "routines/store.h"

namespace routines::testing {

class FaultyStore : public Store {
 public:
  enum class Operation { kAdmit, kLease, kUpdate, kSave, kRead };
  enum class Fault {
    kNone,
    kRefuse,      // nothing is done
    kLoseAnswer,  // it is done, and kUnavailable says that this is not known
    kHoldAnswer,  // Admit and Update: done, and `done` runs in AnswerHeld; else as kNone
    kDieBefore,   // as kRefuse, and Cut()
    kDieAfter,    // as kLoseAnswer, and Cut()
  };
  using Plan = std::function<Fault(Operation)>;

  // Without a plan nothing fails until Cut.
  explicit FaultyStore(std::shared_ptr<Store> store, Plan plan = nullptr);
  // AnswerHeld(), and waits for the answers that the store behind still owes.
  ~FaultyStore() override;

  // From now on everything is refused, held answers too: what a process does after its death
  // reaches no store.
  void Cut() { cut_ = true; }
  bool cut() const { return cut_; }
  // Gives the answers that were held, in the order of their commits.
  void AnswerHeld();

  void Admit(Admission admission, AdmitDone done) override;
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override;
  void Update(SessionUpdate update, UpdateDone done) override;
  absl::Status Save(const Change& change) override;
  absl::StatusOr<Rows> Read(const Query& query) override;

 private:
  Fault Draw(Operation operation);
  // Does what is left of `fault` after the operation; true: its answer is lost.
  bool LosesAnswer(Fault fault);
  template <typename Result, typename Done>
  Done Answering(Fault fault, Done done);

  const std::shared_ptr<Store> store_;
  const Plan plan_;
  std::atomic<bool> cut_ = false;
  absl::Mutex mu_;
  int owed_ ABSL_GUARDED_BY(mu_) = 0;  // answers of the store behind
  std::vector<std::function<void()>> held_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_FAULTY_STORE_H_
