// What the server does for each request, without sockets: Begin decides from the head alone, Handle
// answers.
//
// Thread-safety: every method may be called from any thread.
// Ownership: borrows the engine, the metrics and the pool.
// Blocking: neither Begin nor Handle blocks; handlers that wait for the store run on the pool.
#ifndef ROUTINES_SRC_SERVER_API_H_
#define ROUTINES_SRC_SERVER_API_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "routines/engine.h"
#include "src/server/github_hooks.h"
#include "src/server/http_message.h"
#include "src/server/memory_share.h"
#include "src/server/metrics.h"
#include "src/server/router.h"

namespace routines::server {

struct ApiOptions {
  std::string admin_token;  // empty: management answers 403
  std::string base_url;     // what session URLs begin with
  int64_t max_body_bytes = 1 << 20;
  int64_t max_large_body_bytes = int64_t{256} << 20;
  absl::Duration github_replay_window = absl::Hours(30 * 24);
};

class Api {
 public:
  // Runs a job that may block, now or later.
  using RunBlocking = std::function<void(std::function<void()>)>;

  Api(Engine& engine, ApiOptions options, Metrics& metrics, RunBlocking run_blocking);
  // To be called once, before the first request. Waits for the store.
  absl::Status LoadHooks(const std::vector<GithubHook>& fixed) { return hooks_.Load(fixed); }

  // Finds the route and judges what the head tells: path, method, token, size, encoding. An answer:
  // the request is refused, and its body need not be read.
  std::optional<Response> Begin(Request& request) const;
  // How many bytes of body a request that Begin took may have.
  int64_t MaxBodyBytes(const Request& request) const;
  // Answers a whole request that Begin took.
  void Handle(std::shared_ptr<Request> request, Respond respond);

  // The session's JSON with its "url".
  std::string SessionJson(const v1::Session& session) const;

 private:
  using RequestPtr = std::shared_ptr<Request>;

  static const std::vector<Route>& Routes();
  std::optional<Response> Judge(Request& request) const;
  // Refuses a large body where others take all there is for them.
  std::optional<Response> TakeMemory(Request& request) const;
  std::optional<Response> CheckAccess(const Request& request) const;
  bool IsAdminToken(std::string_view token) const;
  // The session that the caller may see: by its read key, or as admin. kNotFound for all else.
  absl::StatusOr<v1::Session> VisibleSession(const Request& request) const;

  // fire_handlers.cc
  void Fire(RequestPtr request, Respond respond);
  void RunRoutine(RequestPtr request, Respond respond);
  Response FiredResponse(const absl::StatusOr<FireResult>& fired) const;

  // session_handlers.cc
  void SessionPage(RequestPtr request, Respond respond);
  void GetSession(RequestPtr request, Respond respond);
  void SessionEvents(RequestPtr request, Respond respond);
  void CancelSession(RequestPtr request, Respond respond);
  void ListSessions(RequestPtr request, Respond respond);
  void ListDecisions(RequestPtr request, Respond respond);

  // routine_handlers.cc
  void PutRoutine(RequestPtr request, Respond respond);
  void ListRoutines(RequestPtr request, Respond respond);
  void GetRoutine(RequestPtr request, Respond respond);
  void DeleteRoutine(RequestPtr request, Respond respond);
  void PauseRoutine(RequestPtr request, Respond respond);
  void ResumeRoutine(RequestPtr request, Respond respond);
  void SetPaused(const Request& request, bool paused, const Respond& respond);
  void ListTokens(RequestPtr request, Respond respond);
  void CreateToken(RequestPtr request, Respond respond);
  void RotateToken(RequestPtr request, Respond respond);
  void RevokeToken(RequestPtr request, Respond respond);

  // webhook_handlers.cc
  void GithubWebhook(RequestPtr request, Respond respond);
  void TakeDelivery(Request& request, Respond respond);
  void ListHooks(RequestPtr request, Respond respond);
  void AddHook(RequestPtr request, Respond respond);
  void RotateHook(RequestPtr request, Respond respond);
  void RemoveHook(RequestPtr request, Respond respond);

  // event_handlers.cc
  void GetEvent(RequestPtr request, Respond respond);
  void EventPayload(RequestPtr request, Respond respond);
  void ExplainEvent(RequestPtr request, Respond respond);
  void ListEvents(RequestPtr request, Respond respond);

  // system_handlers.cc
  void Health(RequestPtr request, Respond respond);
  void MetricsText(RequestPtr request, Respond respond);
  void Asset(RequestPtr request, Respond respond);

  Engine& engine_;
  const ApiOptions options_;
  const std::string admin_token_sha256_;
  Metrics& metrics_;
  const RunBlocking run_blocking_;
  GithubHooks hooks_;
  MemoryShare memory_;
};

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_API_H_
