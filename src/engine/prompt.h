// What the agent is told.
#ifndef ROUTINES_SRC_ENGINE_PROMPT_H_
#define ROUTINES_SRC_ENGINE_PROMPT_H_

#include <string>
#include <string_view>

namespace routines {

// The saved prompt and, where the event brought a text, that text as untrusted data between two
// lines that hold the same random word of 128 bits, so that no text can contain its own closing
// line.
std::string AssemblePrompt(std::string_view saved_prompt, std::string_view source,
                           std::string_view text);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_PROMPT_H_
