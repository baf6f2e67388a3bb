// The log of a session that runs here: redacts, limits, and holds what is not yet durable.
//
// Thread-safety: every method may be called from any thread.
// Blocking: Append waits while the backlog is over its limit; nothing else blocks.
#ifndef ROUTINES_SRC_ENGINE_BUFFERED_LOG_H_
#define ROUTINES_SRC_ENGINE_BUFFERED_LOG_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "routines/clock.h"
#include "routines/session.h"
#include "routines/v1/routine.pb.h"
#include "src/base/control_sequences.h"
#include "src/base/redact.h"

namespace routines {

class BufferedLog : public SessionLog {
 public:
  struct Options {
    Clock* clock;
    int64_t max_bytes;          // of the whole log
    int64_t max_backlog_bytes;  // not yet durable
    bool may_block;  // false where the caller's thread is the one that empties the backlog
    std::function<void()> wake;  // there is something to Take; under no lock
  };

  explicit BufferedLog(Options options);

  // Goes on from what an earlier holder of the session's lease recorded.
  void Resume(const v1::Session& record);
  void SetRedactor(Redactor redactor);
  std::string Redact(std::string_view text) const;

  void Append(v1::SessionEvent event) override;
  // The engine's own words: never wait, never count against the limit.
  void AppendOwn(v1::SessionEvent event);
  // What the streams keep back, because it may be the beginning of a secret, is all there is.
  void FlushStreams();

  // What waits to be stored, in order; it stays part of the backlog until Committed.
  std::vector<v1::SessionEvent> Take();
  bool HasPending() const;
  void Committed();
  // From now on nobody waits: the session is to end, and must not hang on a store that cannot
  // write.
  void StopWaiting();
  // Nothing more is taken in; who waits in Append goes on.
  void Close();

  // Adds what the log has told so far to the session's record: checkouts, pushes, usage, result.
  void Summarize(v1::Session& session) const;
  // What ends the session, where its agent has told more cost or turns than `limits` allow. Turns
  // do not count once it has told its result.
  std::optional<Outcome> LimitReached(const v1::Limits& limits) const;

 private:
  void Clean(v1::SessionEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Note(const v1::SessionEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Push(v1::SessionEvent event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool OverLimit(const v1::SessionEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  mutable absl::Mutex mu_;
  bool may_block_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  bool limited_ ABSL_GUARDED_BY(mu_) = false;
  int64_t total_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t pending_bytes_ ABSL_GUARDED_BY(mu_) = 0;  // in pending_
  int64_t taken_bytes_ ABSL_GUARDED_BY(mu_) = 0;    // taken and not yet committed
  std::vector<v1::SessionEvent> pending_ ABSL_GUARDED_BY(mu_);
  Redactor redactor_ ABSL_GUARDED_BY(mu_);
  // One stream of a program's output.
  struct Stream {
    ControlSequenceFilter filter;
    RedactingStream redacting;
  };
  std::map<std::pair<int, int>, Stream> streams_ ABSL_GUARDED_BY(mu_);
  v1::Session summary_ ABSL_GUARDED_BY(mu_);
  bool has_result_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_BUFFERED_LOG_H_
