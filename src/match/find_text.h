// Whether a text contains another: in time linear to the text, whatever both are.
#ifndef ROUTINES_SRC_MATCH_FIND_TEXT_H_
#define ROUTINES_SRC_MATCH_FIND_TEXT_H_

#include <cstring>
#include <string_view>

namespace routines {

inline bool FindText(std::string_view text, std::string_view wanted) {
  if (wanted.empty()) return true;
  if (text.size() < wanted.size()) return false;
  // The C library's is two-way: it has no bad case.
  return memmem(text.data(), text.size(), wanted.data(), wanted.size()) != nullptr;
}

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_FIND_TEXT_H_
