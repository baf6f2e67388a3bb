// Runs a routine's setup script.
#ifndef ROUTINES_SRC_WORKSPACE_SETUP_SCRIPT_H_
#define ROUTINES_SRC_WORKSPACE_SETUP_SCRIPT_H_

#include <map>
#include <string>

#include "absl/time/time.h"
#include "routines/cancellation.h"
#include "routines/sandbox.h"
#include "routines/session.h"

namespace routines {

struct SetupScript {
  std::string file;       // run by `bash -e`
  std::string directory;  // where it starts
  std::map<std::string, std::string> environment;
  absl::Duration timeout;
  const Cancellation* cancellation = nullptr;
  const Sandbox* sandbox = nullptr;
};

// Its output goes to `log` as it comes. Returns when nothing that it started is left.
Outcome RunSetupScript(const SetupScript& script, SessionLog& log);

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_SETUP_SCRIPT_H_
