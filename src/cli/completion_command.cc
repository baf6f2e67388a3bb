// completion: the shells' side of it is a few lines that ask `routines __complete`, so that a new
// command or option is completed without a word here.
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"

namespace routines::cli {
namespace {

constexpr char kBash[] = R"sh(# bash completion of routines: eval "$(routines completion bash)"
_routines() {
  local IFS=$'\n'
  COMPREPLY=($("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [[ ${COMPREPLY[0]} == :files ]]; then
    COMPREPLY=()
    compopt -o default
  fi
}
complete -F _routines routines
)sh";

constexpr char kZsh[] = R"sh(#compdef routines
# zsh completion of routines: eval "$(routines completion zsh)", or this file as _routines in $fpath
_routines() {
  local -a found
  found=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${found[1]} == :files ]]; then
    _files
  else
    compadd -- ${found:#}
  fi
}
if [[ ${funcstack[1]} == _routines ]]; then
  _routines "$@"
else
  compdef _routines routines
fi
)sh";

}  // namespace

CommandResult PrintCompletion(const std::string& shell) {
  std::fputs(shell == "zsh" ? kZsh : kBash, stdout);
  return kExitOk;
}

std::vector<std::string> RoutineNamesForCompletion(const ClientOptions& client) {
  std::vector<std::string> names;
  absl::StatusOr<Api> api = Api::Open(client);
  if (!api.ok()) return names;
  api->set_timeouts({.connect = absl::Seconds(1), .progress = absl::Seconds(1)});
  const absl::StatusOr<JsonValue> answer = api->Get("/v1/routines");
  if (!answer.ok()) return names;
  for (const JsonValue& saved : (*answer)["routines"].Items()) {
    const std::string& account = saved["routine"]["account"].Text();
    const std::string& name = saved["routine"]["name"].Text();
    names.push_back(account == "default" ? name : absl::StrCat(account, "/", name));
  }
  return names;
}

}  // namespace routines::cli
