// The two forms of a routine file.
#ifndef ROUTINES_SRC_CONFIG_DOCUMENT_READERS_H_
#define ROUTINES_SRC_CONFIG_DOCUMENT_READERS_H_

#include <cstddef>
#include <string_view>

#include "src/config/document.h"

namespace routines {

// Where the byte `offset` of `text` stands.
Position PositionOf(std::string_view text, size_t offset);

// Reads a JSON object (RFC 8259). False: it is none, and the one problem says why. `text` is UTF-8.
bool ReadJson(std::string_view text, Document* document);

// Only where ROUTINES_HAS_YAML.
void ReadYaml(std::string_view text, Document* document);

}  // namespace routines

#endif  // ROUTINES_SRC_CONFIG_DOCUMENT_READERS_H_
