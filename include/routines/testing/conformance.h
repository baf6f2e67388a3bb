// Holds a Store to its promises (routines/store.h). The built-in stores pass it; so must one of
// your own.
//
//   #include "routines/testing/conformance.h"  // in one source file of a GoogleTest program
//
//   namespace routines::testing {
//   INSTANTIATE_TEST_SUITE_P(MyStore, StoreConformanceTest, ::testing::Values(StoreFactory{
//       .make = [] { return OpenMyStore(FreshDatabase()); },
//       .reopen = [](std::unique_ptr<Store> store) { … }}));
//   INSTANTIATE_TEST_SUITE_P(MyStore, DurableStoreConformanceTest, …the same…);  // where it is
//   durable
//   }
//
// Every test makes a store of its own. No test waits for real time to pass.
#ifndef ROUTINES_TESTING_CONFORMANCE_H_
#define ROUTINES_TESTING_CONFORMANCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "routines/store.h"

namespace routines::testing {

struct StoreFactory {
  // A new, empty store.
  std::function<std::unique_ptr<Store>()> make;
  // Closes the store and opens what it kept, as after a restart. For durable stores only.
  std::function<std::unique_ptr<Store>(std::unique_ptr<Store>)> reopen;

  // For the names of the tests; GoogleTest would print the bytes.
  friend void PrintTo(const StoreFactory& factory, std::ostream* out) {
    *out << (factory.reopen ? "durable" : "volatile");
  }
};

class StoreConformanceTest : public ::testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override {
    store_ = GetParam().make();
    ASSERT_NE(store_, nullptr) << "the factory's make() gave no store";
  }

  // ---- calls, waited for ----

  absl::StatusOr<Admitted> Admit(Admission admission) {
    absl::StatusOr<Admitted> result;
    int calls = 0;
    absl::Notification done;
    store_->Admit(std::move(admission), [&](absl::StatusOr<Admitted> r) {
      EXPECT_EQ(++calls, 1) << "done was called twice";
      result = std::move(r);
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }

  absl::StatusOr<Updated> Update(SessionUpdate update) {
    absl::StatusOr<Updated> result;
    absl::Notification done;
    store_->Update(std::move(update), [&](absl::StatusOr<Updated> r) {
      result = std::move(r);
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }

  Rows Read(const Query& query) {
    absl::StatusOr<Rows> rows = store_->Read(query);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() ? *std::move(rows) : Rows();
  }

  std::optional<v1::Session> GetSession(const std::string& id) {
    Rows rows = Read(SessionQuery{.id = id});
    return rows.sessions.empty() ? std::nullopt : std::optional(rows.sessions.front());
  }

  std::vector<v1::Session> Lease(int max, absl::Duration after = absl::ZeroDuration(),
                                 const std::string& owner = "host-a") {
    absl::StatusOr<std::vector<v1::Session>> leased =
        store_->Lease({owner, Now() + after, Now() + after + kLease, max});
    EXPECT_TRUE(leased.ok()) << leased.status();
    return leased.ok() ? *std::move(leased) : std::vector<v1::Session>();
  }

  // ---- what is stored ----

  static absl::Time Now() { return absl::FromUnixSeconds(1767603600); }  // 2026-01-05 09:00 UTC

  static google::protobuf::Timestamp Timestamp(absl::Time time) {
    google::protobuf::Timestamp proto;
    proto.set_seconds(absl::ToUnixSeconds(time));
    return proto;
  }

  static std::string Id(const std::string& prefix, int number) {
    return absl::StrFormat("%s_%026d", prefix, number);
  }

  // The `number`th event, with one decision and one queued session of that routine.
  static Admission MakeAdmission(int number, const std::string& key = "",
                                 const std::string& routine = "alert") {
    Admission admission;
    if (!key.empty()) admission.dedupe_keys.push_back({key});
    const google::protobuf::Timestamp time = Timestamp(Now() + absl::Seconds(number));
    admission.event.set_id(Id("event", number));
    admission.event.set_source("api");
    admission.event.set_trigger_id("trig_alert0001");
    admission.event.set_text(absl::StrCat("SEN-", number));
    *admission.event.mutable_time() = time;
    v1::Session& session = admission.sessions.emplace_back();
    session.set_id(Id("session", number));
    session.set_account("acme");
    session.set_routine(routine);
    session.set_revision(1);
    session.set_event_id(admission.event.id());
    session.set_state(v1::SESSION_STATE_QUEUED);
    session.set_read_key(absl::StrCat("key-", number));
    *session.mutable_create_time() = time;
    v1::Decision& decision = admission.decisions.emplace_back();
    decision.set_event_id(admission.event.id());
    decision.set_account("acme");
    decision.set_routine(routine);
    decision.set_reason(v1::DECISION_REASON_FIRED);
    decision.set_session_id(session.id());
    *decision.mutable_time() = time;
    return admission;
  }

  // Admits events first … last and expects each to be stored.
  void AdmitRange(int first, int last) {
    for (int number = first; number <= last; ++number) {
      absl::StatusOr<Admitted> admitted = Admit(MakeAdmission(number));
      ASSERT_TRUE(admitted.ok()) << admitted.status();
      ASSERT_FALSE(admitted->duplicate);
    }
  }

  // An update by whoever leased `session`: the record with another state, and `outputs` log
  // entries.
  static SessionUpdate MakeUpdate(const v1::Session& session, std::optional<v1::SessionState> state,
                                  int outputs = 0) {
    SessionUpdate update;
    update.session_id = session.id();
    update.fencing_token = session.fencing_token();
    update.lease_until = Now() + kLease;
    if (state.has_value()) {
      update.session = session;
      update.session->set_state(*state);
    }
    for (int i = 0; i < outputs; ++i) {
      update.events.emplace_back().mutable_output()->set_text(absl::StrCat("line ", i));
    }
    return update;
  }

  static v1::SavedRoutine MakeRoutine(const std::string& name, int64_t revision,
                                      const std::vector<std::string>& triggers = {}) {
    v1::SavedRoutine saved;
    saved.mutable_routine()->set_account("acme");
    saved.mutable_routine()->set_name(name);
    saved.mutable_routine()->set_prompt(absl::StrCat("revision ", revision));
    saved.set_revision(revision);
    for (const std::string& id : triggers) saved.add_triggers()->set_trigger_id(id);
    return saved;
  }

  static v1::Token MakeToken(const std::string& id, const std::string& trigger) {
    v1::Token token;
    token.set_id(id);
    token.set_trigger_id(trigger);
    token.set_sha256(std::string("\0\xff", 2));
    return token;
  }

  template <typename Message>
  static std::vector<std::string> Ids(const std::vector<Message>& messages) {
    std::vector<std::string> ids;
    for (const Message& message : messages) ids.push_back(message.id());
    return ids;
  }

  // ---- limits and lineage ----

  static SessionLimit Hourly(int64_t most) {
    return {SessionLimit::Scope::kRoutine, "github", most, absl::Hours(1), "sessions an hour"};
  }

  // MakeAdmission(number), taken in `after` after Now(), with these gates for its session.
  static Admission Gated(int number, absl::Duration after, SessionGates gates,
                         const std::string& routine = "alert") {
    Admission admission = MakeAdmission(number, "", routine);
    const google::protobuf::Timestamp time = Timestamp(Now() + after);
    *admission.event.mutable_time() = time;
    *admission.sessions[0].mutable_create_time() = time;
    admission.sessions[0].set_trigger_id("trig_one");
    gates.kind = "github";
    admission.gates.push_back(std::move(gates));
    return admission;
  }

  v1::Decision Decide(Admission admission) {
    const absl::StatusOr<Admitted> admitted = Admit(std::move(admission));
    EXPECT_TRUE(admitted.ok()) << admitted.status();
    return admitted.ok() && !admitted->decisions.empty() ? admitted->decisions[0] : v1::Decision();
  }

  v1::Decision DecisionOf(int number) {
    const Rows rows = Read(DecisionQuery{.event_id = Id("event", number)});
    return rows.decisions.empty() ? v1::Decision() : rows.decisions[0];
  }

  static absl::Duration Until(const v1::Decision& decision) {
    return absl::FromUnixSeconds(decision.until().seconds()) - Now();
  }

  // Leases everything and ends what was leased.
  int LeaseAndEnd(absl::Duration after) {
    int ended = 0;
    for (const v1::Session& session : Lease(1000, after)) {
      ended += Update(MakeUpdate(session, v1::SESSION_STATE_SUCCEEDED)).ok() ? 1 : 0;
    }
    return ended;
  }

  // What session `cause` caused: event and session `number`.
  absl::StatusOr<Admitted> Follow(int cause, int number, int max_depth = 3, int max_sessions = 0) {
    Admission admission = MakeAdmission(number);
    admission.event.set_account("acme");
    admission.cause = {Id("session", cause), {}, max_depth, max_sessions};
    return Admit(std::move(admission));
  }

  static constexpr absl::Duration kLease = absl::Seconds(60);

  std::unique_ptr<Store> store_;
};

// Promises about what is there after a restart.
class DurableStoreConformanceTest : public StoreConformanceTest {
 protected:
  void Reopen() {
    store_ = GetParam().reopen(std::move(store_));
    ASSERT_NE(store_, nullptr) << "the factory's reopen() gave no store";
  }
};

// A store that is not durable has no use for the second suite, and the other way round while
// testing.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreConformanceTest);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DurableStoreConformanceTest);

}  // namespace routines::testing

// The tests themselves.
#include "routines/testing/conformance_admit.h"     // IWYU pragma: export
#include "routines/testing/conformance_durable.h"   // IWYU pragma: export
#include "routines/testing/conformance_ends.h"      // IWYU pragma: export
#include "routines/testing/conformance_lease.h"     // IWYU pragma: export
#include "routines/testing/conformance_limits.h"    // IWYU pragma: export
#include "routines/testing/conformance_save.h"      // IWYU pragma: export
#include "routines/testing/conformance_sessions.h"  // IWYU pragma: export

#endif  // ROUTINES_TESTING_CONFORMANCE_H_
