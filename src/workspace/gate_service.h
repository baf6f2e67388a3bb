// Answers the requests of one session at the push gate.
#ifndef ROUTINES_SRC_WORKSPACE_GATE_SERVICE_H_
#define ROUTINES_SRC_WORKSPACE_GATE_SERVICE_H_

#include <string>

#include "src/workspace/gate_pass.h"
#include "src/workspace/http_connection.h"
#include "src/workspace/push.h"

namespace routines {

// Serves exactly four things of each repository of `pass`, everything else is 404:
//   GET  /<name>/info/refs?service=git-upload-pack     POST /<name>/git-upload-pack
//   GET  /<name>/info/refs?service=git-receive-pack    POST /<name>/git-receive-pack
// `scratch` is a folder for packs on their way.
void ServeGateRequest(const HttpRequest& request, GatePass& pass, const std::string& scratch,
                      const PushBounds& bounds, HttpConnection& connection);

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_GATE_SERVICE_H_
