// What the tests of the SQLite store share.
#ifndef ROUTINES_TESTS_UNIT_STORE_STORE_TESTING_H_
#define ROUTINES_TESTS_UNIT_STORE_STORE_TESTING_H_

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "routines/store.h"

namespace routines::testing {

class TempFolder {
 public:
  TempFolder() : path_(::testing::TempDir() + "routines_store_XXXXXX") {
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Event, decision and session that share `name`.
inline Admission MakeAdmission(const std::string& name, const std::string& key = "") {
  Admission admission;
  if (!key.empty()) admission.dedupe_keys.push_back({key});
  admission.event.set_id("event_" + name);
  v1::Session& session = admission.sessions.emplace_back();
  session.set_id("session_" + name);
  session.set_event_id(admission.event.id());
  session.set_account("acme");
  session.set_routine("alert");
  session.set_state(v1::SESSION_STATE_QUEUED);
  v1::Decision& decision = admission.decisions.emplace_back();
  decision.set_event_id(admission.event.id());
  decision.set_account("acme");
  decision.set_routine("alert");
  decision.set_session_id(session.id());
  return admission;
}

inline absl::StatusOr<Admitted> AdmitAndWait(Store& store, Admission admission) {
  absl::StatusOr<Admitted> result;
  absl::Notification done;
  store.Admit(std::move(admission), [&](absl::StatusOr<Admitted> admitted) {
    result = std::move(admitted);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

inline absl::StatusOr<Updated> UpdateAndWait(Store& store, SessionUpdate update) {
  absl::StatusOr<Updated> result;
  absl::Notification done;
  store.Update(std::move(update), [&](absl::StatusOr<Updated> updated) {
    result = std::move(updated);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTS_UNIT_STORE_STORE_TESTING_H_
