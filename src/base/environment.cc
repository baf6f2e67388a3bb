#include "src/base/environment.h"

#include <algorithm>
#include <array>

namespace routines {
namespace {

constexpr std::array<std::string_view, 6> kReservedPrefixes = {
    "LD_",         // the dynamic loader: LD_PRELOAD, LD_LIBRARY_PATH, LD_AUDIT, …
    "DYLD_",       // the same on macOS
    "GIT_",        // GIT_CONFIG_*, GIT_SSH_COMMAND, GIT_EXEC_PATH, …
    "BASH_FUNC_",  // functions that bash imports
    "ROUTINES_",   // ours
    "GCONV_",      // modules that iconv loads
};

constexpr std::array<std::string_view, 34> kReservedNames = {
    // Set by the workspace.
    "HOME",
    "LOGNAME",
    "PATH",
    "PWD",
    "SHELL",
    "TMPDIR",
    "USER",
    "XDG_CONFIG_HOME",
    // Shells.
    "BASHOPTS",
    "BASH_ENV",
    "CDPATH",
    "ENV",
    "GLOBIGNORE",
    "IFS",
    "PROMPT_COMMAND",
    "PS4",
    "SHELLOPTS",
    "ZDOTDIR",
    // Interpreters that load code on start.
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "NODE_OPTIONS",
    "PERL5LIB",
    "PERL5OPT",
    "PERLLIB",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "RUBYLIB",
    "RUBYOPT",
    "_JAVA_OPTIONS",
    // Where agents send their key, and take their settings from.
    "ANTHROPIC_BASE_URL",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "OPENAI_BASE_URL",
};

}  // namespace

bool IsReservedVariable(std::string_view name) {
  return std::any_of(
             kReservedPrefixes.begin(), kReservedPrefixes.end(),
             [name](std::string_view prefix) { return name.substr(0, prefix.size()) == prefix; }) ||
         std::find(kReservedNames.begin(), kReservedNames.end(), name) != kReservedNames.end();
}

}  // namespace routines
