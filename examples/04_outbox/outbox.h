// A source of events: each row that is inserted into a table of PostgreSQL (outbox.sql). See
// docs/custom_triggers.md.
#ifndef OUTBOX_H_
#define OUTBOX_H_

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "routines/trigger_source.h"

// A row's id is its event's external_id, and the row is deleted after its event was taken: so one
// that is there still after a crash comes again, and is known. One Outbox reads a table at a time.
class Outbox : public routines::TriggerSource {
 public:
  // `database` as libpq takes it: "host=… dbname=…", or a URL.
  explicit Outbox(std::string database) : database_(std::move(database)) {}
  ~Outbox() override { Stop(); }

  // kInvalidArgument: `database` cannot be read. A server that is away is waited for.
  absl::Status Start(std::shared_ptr<routines::EventSink> sink) override;
  void Stop() override;

 private:
  struct Free {
    void operator()(PGconn* connection) const { PQfinish(connection); }
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Result = std::unique_ptr<PGresult, Free>;

  void Run();
  bool Connect();
  // False: some are left, to be tried again.
  bool TakeAll();
  bool Take(const char* id, const char* type, const char* payload);
  Result Execute(const char* statement, std::vector<const char*> values = {});

  const std::string database_;
  std::shared_ptr<routines::EventSink> sink_;
  std::unique_ptr<PGconn, Free> connection_;
  std::thread thread_;
};

#endif  // OUTBOX_H_
