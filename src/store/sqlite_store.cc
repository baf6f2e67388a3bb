// The embedded store: one writer thread that commits in groups, readers beside it.
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "routines/store.h"
#include "src/base/status_macros.h"
#include "src/store/sqlite_changes.h"
#include "src/store/sqlite_connection.h"
#include "src/store/sqlite_file.h"
#include "src/store/sqlite_queries.h"
#include "src/store/sqlite_schema.h"
#include "src/store/transitions.h"

namespace routines {
namespace {

using store::Connection;
using store::Statement;

// At a checkpoint the pages of the log go into the database, and all commits wait for some tens of
// milliseconds; the rarer, the fewer wait, and the fewer pages are written twice. In 64 MB of log
// under load, that is one change of two hundred.
constexpr int kCheckpointPages = 16000;
// What the log's file may keep of its size once it was emptied.
constexpr int64_t kLogSizeLimit = int64_t{64} << 20;
// Quiet for so long, the writer empties the log.
constexpr absl::Duration kIdle = absl::Seconds(2);
constexpr int kMaxReaders = 4;

absl::Status ForkedError() {
  return absl::FailedPreconditionError(
      "the store was opened before this process was forked; open it in the process that uses it");
}

// ---- the writer's work
// ---------------------------------------------------------------------------

// One change on its way through the writer.
class Job {
 public:
  virtual ~Job() = default;
  // Inside the transaction. An error is this change's own, unless IsStoreError says otherwise; then
  // nothing was written.
  virtual absl::Status Run(Connection& connection) = 0;
  // After it; `commit` says how the transaction went. Calls user code.
  virtual void Finish(const absl::Status& commit) = 0;
};

template <typename Result, typename Work, typename Done>
class JobOf : public Job {
 public:
  JobOf(Work work, Done done) : work_(std::move(work)), done_(std::move(done)) {}

  absl::Status Run(Connection& connection) override {
    result_ = work_(connection);
    return result_.status();
  }

  void Finish(const absl::Status& commit) override {
    done_(commit.ok() ? std::move(result_) : absl::StatusOr<Result>(commit));
  }

 private:
  Work work_;
  Done done_;
  absl::StatusOr<Result> result_;
};

// Errors of the store rather than of one change: they end the whole group.
bool IsStoreError(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsInternal(status);
}

absl::StatusOr<std::unique_ptr<Connection>> OpenWriter(const std::string& path) {
  ASSIGN_OR_RETURN(auto connection, Connection::Open(path, /*read_only=*/false));
  ASSIGN_OR_RETURN(const std::string mode, connection->QueryText("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return absl::UnavailableError(
        absl::StrCat(path, ": no write-ahead log is possible here (journal_mode ", mode, ")"));
  }
  RETURN_IF_ERROR(connection->Execute(absl::StrCat(
      "PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = ",
      kCheckpointPages, "; PRAGMA journal_size_limit = ", kLogSizeLimit)));
  return connection;
}

// The writing connection and its transactions. Belongs to one thread at a time.
class Writer {
 public:
  Writer(std::string path, std::unique_ptr<Connection> connection)
      : path_(std::move(path)), connection_(std::move(connection)) {}

  // Runs `group` in one transaction. OK: all that did not fail by itself is durable.
  absl::Status Commit(const std::vector<std::unique_ptr<Job>>& group) {
    RETURN_IF_ERROR(Recover());
    absl::Status status = Transaction(group);
    if (!status.ok()) {
      if (connection_->in_transaction()) connection_->Execute("ROLLBACK").IgnoreError();
      trusted_ = false;
    }
    return status;
  }

  void TruncateLog() {
    if (trusted_) connection_->Checkpoint().IgnoreError();
  }

 private:
  // Changes are refused before they write anything, so that one that is refused does not spoil its
  // group. (A savepoint for each would cost a quarter of the throughput.)
  absl::Status Transaction(const std::vector<std::unique_ptr<Job>>& group) {
    RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
    for (const auto& job : group) {
      const int64_t written = connection_->total_changes();
      const absl::Status status = job->Run(*connection_);
      if (IsStoreError(status)) return status;
      if (!status.ok() && connection_->total_changes() != written) {
        return absl::InternalError(
            absl::StrCat("a refused change had written already: ", std::string(status.message())));
      }
    }
    return Execute("COMMIT");
  }

  absl::Status Execute(std::string_view sql) {
    ASSIGN_OR_RETURN(Statement statement, connection_->Prepare(sql));
    return statement.Run();
  }

  // After an error nothing that this connection knows is relied on, nor what the kernel says about
  // pages whose writing failed: it may take them for clean. So, before anything is acknowledged
  // again, all that was committed is written into the database and synced anew; the next
  // transaction writes over what the failed one left in the log. The old connection is closed last:
  // were it the only one, SQLite would read the log afresh, and take the failed transaction in it
  // for a good one.
  absl::Status Recover() {
    if (trusted_) return absl::OkStatus();
    ASSIGN_OR_RETURN(std::unique_ptr<Connection> fresh, OpenWriter(path_));
    connection_ = std::move(fresh);
    RETURN_IF_ERROR(connection_->Checkpoint());
    trusted_ = true;
    return absl::OkStatus();
  }

  const std::string path_;
  std::unique_ptr<Connection> connection_;
  bool trusted_ = true;
};

// ---- readers
// -------------------------------------------------------------------------------------

class ReaderPool {
 public:
  explicit ReaderPool(std::string path) : path_(std::move(path)) {}

  absl::StatusOr<Rows> Run(const Query& query) {
    ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Take());
    absl::StatusOr<Rows> rows = store::RunQuery(*connection, query);
    // A connection that met an error is not used again.
    GiveBack(rows.ok() ? std::move(connection) : nullptr);
    return rows;
  }

 private:
  absl::StatusOr<std::unique_ptr<Connection>> Take() {
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &ReaderPool::Free));
      ++lent_;
      if (!idle_.empty()) {
        std::unique_ptr<Connection> connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    absl::StatusOr<std::unique_ptr<Connection>> opened = Connection::Open(path_, true);
    if (!opened.ok()) GiveBack(nullptr);
    return opened;
  }

  void GiveBack(std::unique_ptr<Connection> connection) {
    absl::MutexLock lock(&mu_);
    --lent_;
    if (connection != nullptr) idle_.push_back(std::move(connection));
  }

  bool Free() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return lent_ < kMaxReaders; }

  const std::string path_;
  absl::Mutex mu_;
  int lent_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::unique_ptr<Connection>> idle_ ABSL_GUARDED_BY(mu_);
};

// ---- the store
// -----------------------------------------------------------------------------------

class SqliteStore : public Store {
 public:
  SqliteStore(const SqliteStoreOptions& options, std::unique_ptr<store::FileLock> lock,
              std::unique_ptr<Connection> connection)
      : pid_(getpid()),
        state_(std::make_unique<State>(options, std::move(lock), std::move(connection))) {
    state_->thread = std::thread([state = state_.get()] { state->RunWriter(); });
  }

  ~SqliteStore() override {
    if (Forked()) {
      // The thread is the parent's, and closing the files would meddle with the parent's database.
      (void)state_.release();
      return;
    }
    {
      absl::MutexLock lock(&state_->mu);
      state_->stopping = true;
      state_->wake.Signal();
    }
    state_->thread.join();
  }

  void Admit(Admission admission, AdmitDone done) override {
    if (Forked()) return done(ForkedError());
    if (absl::Status status = store::CheckAdmission(admission); !status.ok()) return done(status);
    Enqueue<Admitted>(
        [memory = &state_->memory, encoded = store::EncodedAdmission(std::move(admission))](
            Connection& connection) mutable { return store::Admit(connection, *memory, encoded); },
        std::move(done));
  }

  void Update(SessionUpdate update, UpdateDone done) override {
    if (Forked()) return done(ForkedError());
    if (absl::Status status = store::CheckUpdate(update); !status.ok()) return done(status);
    Enqueue<Updated>(
        [memory = &state_->memory, encoded = store::EncodedUpdate(std::move(update))](
            Connection& connection) mutable { return store::Update(connection, *memory, encoded); },
        std::move(done));
  }

  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override {
    return RunAndWait<std::vector<v1::Session>>(
        [&](Connection& connection) { return store::Lease(connection, state_->memory, request); });
  }

  absl::Status Save(const Change& change) override {
    return RunAndWait<bool>([&](Connection& connection) -> absl::StatusOr<bool> {
             RETURN_IF_ERROR(store::Save(connection, state_->memory, change));
             return true;
           })
        .status();
  }

  absl::StatusOr<Rows> Read(const Query& query) override {
    if (Forked()) return ForkedError();
    return state_->readers.Run(query);
  }

 private:
  // Everything, so that a forked child can let go of it whole.
  struct State {
    State(const SqliteStoreOptions& options, std::unique_ptr<store::FileLock> l,
          std::unique_ptr<Connection> connection)
        : lock(std::move(l)),
          max_group(std::max(options.max_group, 1)),
          writer(options.path, std::move(connection)),
          readers(options.path) {}

    void RunWriter();
    // Waits for work; empty when there is none and the store is closing.
    std::vector<std::unique_ptr<Job>> NextGroup();

    const std::unique_ptr<store::FileLock> lock;  // first: released last
    const size_t max_group;
    Writer writer;               // of the writer's thread
    store::WriterMemory memory;  // likewise
    ReaderPool readers;

    absl::Mutex mu;
    absl::CondVar wake;
    std::deque<std::unique_ptr<Job>> queue ABSL_GUARDED_BY(mu);
    bool stopping ABSL_GUARDED_BY(mu) = false;
    std::thread thread;
  };

  bool Forked() const { return getpid() != pid_; }

  template <typename Result, typename Work, typename Done>
  void Enqueue(Work work, Done done) {
    auto job = std::make_unique<JobOf<Result, Work, Done>>(std::move(work), std::move(done));
    absl::MutexLock lock(&state_->mu);
    state_->queue.push_back(std::move(job));
    if (state_->queue.size() == 1) state_->wake.Signal();
  }

  template <typename Result, typename Work>
  absl::StatusOr<Result> RunAndWait(Work work) {
    if (Forked()) return ForkedError();
    absl::StatusOr<Result> result;
    absl::Notification done;
    Enqueue<Result>(std::move(work), [&](absl::StatusOr<Result> r) {
      result = std::move(r);
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }

  const pid_t pid_;
  std::unique_ptr<State> state_;
};

std::vector<std::unique_ptr<Job>> SqliteStore::State::NextGroup() {
  std::vector<std::unique_ptr<Job>> group;
  absl::MutexLock lock(&mu);
  bool log_emptied = false;
  while (queue.empty() && !stopping) {
    if (log_emptied) {
      wake.Wait(&mu);
    } else if (wake.WaitWithTimeout(&mu, kIdle) && queue.empty()) {
      mu.Unlock();
      writer.TruncateLog();
      mu.Lock();
      log_emptied = true;
    }
  }
  while (!queue.empty() && group.size() < max_group) {
    group.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  return group;
}

void SqliteStore::State::RunWriter() {
  for (;;) {
    std::vector<std::unique_ptr<Job>> group = NextGroup();
    if (group.empty()) return;
    const absl::Status committed = writer.Commit(group);
    if (!committed.ok()) memory.Forget();
    for (auto& job : group) {
      job->Finish(committed);
      job.reset();
    }
  }
}

absl::Status CheckIntegrity(Connection& connection) {
  absl::StatusOr<std::string> answer = connection.QueryText("PRAGMA integrity_check(1)");
  if (absl::IsInternal(answer.status())) return absl::DataLossError(answer.status().message());
  RETURN_IF_ERROR(answer.status());
  if (*answer == "ok") return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the integrity check failed: ", *answer, "; restore it from a backup"));
}

// What is done to the file before the first change.
absl::StatusOr<std::unique_ptr<Connection>> PrepareDatabase(const SqliteStoreOptions& options) {
  ASSIGN_OR_RETURN(auto probe, Connection::Open(options.path, /*read_only=*/false));
  RETURN_IF_ERROR(store::CheckVersion(*probe, store::Migrations()));
  if (options.integrity_check) RETURN_IF_ERROR(CheckIntegrity(*probe));
  probe.reset();
  ASSIGN_OR_RETURN(auto connection, OpenWriter(options.path));
  RETURN_IF_ERROR(store::Migrate(*connection, store::Migrations()));
  RETURN_IF_ERROR(store::AbandonLeases(*connection));
  // One write in any case: a disk that takes none is to be known now, not at the first event.
  RETURN_IF_ERROR(store::StampVersion(*connection, store::Migrations()));
  return connection;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(SqliteStoreOptions options) {
  RETURN_IF_ERROR(store::CheckFileSystem(options.path));
  ASSIGN_OR_RETURN(std::unique_ptr<store::FileLock> lock, store::FileLock::Acquire(options.path));
  RETURN_IF_ERROR(store::PrepareFile(options.path));
  absl::StatusOr<std::unique_ptr<Connection>> connection = PrepareDatabase(options);
  if (!connection.ok()) {
    const absl::Status& status = connection.status();
    return absl::Status(status.code(),
                        absl::StrCat(options.path, ": ", std::string(status.message())));
  }
  return std::make_unique<SqliteStore>(options, std::move(lock), *std::move(connection));
}

}  // namespace routines
