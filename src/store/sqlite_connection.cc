#include "src/store/sqlite_connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "src/base/status_macros.h"

namespace routines::store {
namespace {

// Only for other programs that look into the file (a shell, a backup); ours take turns by
// themselves.
constexpr int kBusyTimeoutMs = 2000;

absl::Status ToStatus(int code, sqlite3* db) {
  const std::string message = absl::StrCat(
      "sqlite: ", db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db), " (code ", code, ")");
  switch (code & 0xff) {
    case SQLITE_OK:
      return absl::OkStatus();
    case SQLITE_CONSTRAINT:
      return absl::AlreadyExistsError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
      return absl::InternalError(message);
    case SQLITE_FULL:
      return absl::UnavailableError(absl::StrCat(message, "; free space on the disk"));
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace

// ---- Statement
// -----------------------------------------------------------------------------------

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), next_(other.next_) {}

absl::StatusOr<bool> Statement::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return ToStatus(code, sqlite3_db_handle(statement_));
}

absl::Status Statement::Run() {
  absl::StatusOr<bool> row = Step();
  Reset();
  return row.status();
}

void Statement::Reset() {
  sqlite3_reset(statement_);
  next_ = 1;
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

int64_t Statement::Int64(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::Double(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string_view Statement::Bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(data), size);
}

absl::Status Statement::Parse(int column, google::protobuf::MessageLite& message) const {
  const std::string_view bytes = Bytes(column);
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("a stored ", message.GetTypeName(),
                                          " cannot be read; restore the store from a backup"));
}

// The results of binding are not looked at: a value too large stays NULL, which the schema refuses,
// and parameters that a statement does not have may be given, so that its variants are bound alike.
void Statement::BindOne(int64_t value) {
  sqlite3_bind_int64(statement_, next_++, value);
}

void Statement::BindOne(double value) {
  sqlite3_bind_double(statement_, next_++, value);
}

void Statement::BindOne(std::string_view text) {
  sqlite3_bind_text64(statement_, next_++, text.data() == nullptr ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::BindOne(Blob blob) {
  sqlite3_bind_blob64(statement_, next_++, blob.bytes.data() == nullptr ? "" : blob.bytes.data(),
                      blob.bytes.size(), SQLITE_STATIC);
}

void Statement::BindOne(std::optional<int64_t> value) {
  if (value.has_value()) return BindOne(*value);
  sqlite3_bind_null(statement_, next_++);
}

// ---- Connection
// ----------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& path,
                                                             bool read_only) {
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  auto connection = std::unique_ptr<Connection>(new Connection(db));
  if (code != SQLITE_OK) {
    return absl::UnavailableError(
        absl::StrCat(path, ": ", std::string(ToStatus(code, db).message())));
  }
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  // A memory map would turn an I/O error into a signal.
  RETURN_IF_ERROR(connection->Execute(
      "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;"
      "PRAGMA trusted_schema = OFF"));
  if (read_only) RETURN_IF_ERROR(connection->Execute("PRAGMA query_only = ON"));
  return connection;
}

Connection::~Connection() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

absl::StatusOr<Statement> Connection::Prepare(std::string_view sql) {
  auto it = statements_.find(sql);
  if (it == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return ToStatus(code, db_);
    it = statements_.emplace(std::string(sql), statement).first;
  }
  return Statement(it->second);
}

absl::Status Connection::Execute(const std::string& sql) {
  return ToStatus(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), db_);
}

absl::StatusOr<std::string> Connection::QueryText(std::string_view sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? std::string(statement.Bytes(0)) : std::string();
}

int64_t Connection::changes() const {
  return sqlite3_changes64(db_);
}
int64_t Connection::total_changes() const {
  return sqlite3_total_changes64(db_);
}
int64_t Connection::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(db_);
}
bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}

absl::Status Connection::Checkpoint() {
  const int code =
      sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  return code == SQLITE_BUSY ? absl::OkStatus() : ToStatus(code, db_);
}

}  // namespace routines::store
