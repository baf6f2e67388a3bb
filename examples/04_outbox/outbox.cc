#include "outbox.h"

#include <poll.h>

absl::Status Outbox::Start(std::shared_ptr<routines::EventSink> sink) {
  char* why = nullptr;
  PQconninfoOption* const parsed = PQconninfoParse(database_.c_str(), &why);
  if (parsed == nullptr) {
    absl::Status status = absl::InvalidArgumentError(why == nullptr ? "no memory" : why);
    PQfreemem(why);
    return status;
  }
  PQconninfoFree(parsed);
  sink_ = std::move(sink);
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

// Emit ends, and poll with it, as soon as the sink is stopping.
void Outbox::Stop() {
  if (thread_.joinable()) thread_.join();
  connection_ = nullptr;
  sink_ = nullptr;
}

void Outbox::Run() {
  while (!sink_->stopping().IsCancelled()) {
    const bool all = Connect() && TakeAll();
    pollfd wait[] = {{PQsocket(connection_.get()), POLLIN, 0}, {sink_->stopping().fd(), POLLIN, 0}};
    // With nothing to do, until a NOTIFY, which may be lost; else a moment, for whatever is wrong.
    if (!all) wait[0].fd = -1;
    poll(wait, 2, all ? 5000 : 200);
    PQconsumeInput(connection_.get());
    while (PGnotify* const notice = PQnotifies(connection_.get())) PQfreemem(notice);
  }
}

// Nothing here waits longer than five seconds, so that Stop does not either.
bool Outbox::Connect() {
  if (PQstatus(connection_.get()) == CONNECTION_OK) return true;
  const char* const names[] = {"connect_timeout", "options", "application_name", "dbname", nullptr};
  const char* const values[] = {"5", "-c statement_timeout=5s", "outbox", database_.c_str(),
                                nullptr};
  connection_.reset(PQconnectdbParams(names, values, /*expand_dbname=*/1));
  return PQresultStatus(Execute("LISTEN routines_outbox").get()) == PGRES_COMMAND_OK;
}

bool Outbox::TakeAll() {
  while (true) {
    const Result rows = Execute(
        "SELECT id, type, payload FROM routines_outbox WHERE refused IS NULL"
        " ORDER BY seq LIMIT 100");
    if (PQresultStatus(rows.get()) != PGRES_TUPLES_OK) return false;
    const int count = PQntuples(rows.get());
    if (count == 0) return true;
    for (int row = 0; row < count; ++row) {
      if (!Take(PQgetvalue(rows.get(), row, 0), PQgetvalue(rows.get(), row, 1),
                PQgetvalue(rows.get(), row, 2))) {
        return false;
      }
    }
  }
}

bool Outbox::Take(const char* id, const char* type, const char* payload) {
  routines::DeliverRequest request;
  request.event.set_external_id(id);
  request.event.set_type(type);
  request.event.set_payload(payload);
  const absl::Status status = sink_->Emit(std::move(request)).status();
  Result done;
  if (status.ok()) {
    done = Execute("DELETE FROM routines_outbox WHERE id = $1", {id});
  } else if (absl::IsInvalidArgument(status)) {  // nothing will ever take it
    const std::string why(status.message());
    done = Execute("UPDATE routines_outbox SET refused = $2 WHERE id = $1", {id, why.c_str()});
  }
  return PQresultStatus(done.get()) == PGRES_COMMAND_OK;
}

Outbox::Result Outbox::Execute(const char* statement, std::vector<const char*> values) {
  return Result(PQexecParams(connection_.get(), statement, static_cast<int>(values.size()), nullptr,
                             values.data(), nullptr, nullptr, /*resultFormat=*/0));
}
