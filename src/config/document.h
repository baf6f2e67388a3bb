// The YAML (or JSON, which is YAML) text of a routine file as a small tree with positions.
//
// Pure and bounded: aliases, anchors and tags are refused, and so is what is larger, deeper or more
// numerous than the limits below, before it costs more than they allow.
#ifndef ROUTINES_SRC_CONFIG_DOCUMENT_H_
#define ROUTINES_SRC_CONFIG_DOCUMENT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace routines {

inline constexpr size_t kMaxDocumentBytes = 1 << 20;
inline constexpr size_t kMaxDocumentDepth = 64;
inline constexpr size_t kMaxDocumentNodes = 100'000;

struct Position {
  int line = 0;    // from 1
  int column = 0;  // from 1, in bytes
};

struct Node {
  enum class Kind {
    kNull,  // nothing, ~ or null
    kScalar,
    kList,
    kMap,
    kBroken,  // reported already; to be passed over
  };
  struct Key {
    std::string text;
    Position position;
  };

  Kind kind = Kind::kNull;
  Position position;
  std::string text;            // kScalar
  bool plain = false;          // kScalar: without quotes, not a block; may mean a number
  bool written = true;         // kNull: as a word, not by leaving it out
  std::vector<Node> children;  // kList, kMap
  std::vector<Key> keys;       // kMap: of children, in the file's order; may repeat
};

struct DocumentProblem {
  Position position;
  std::string message;
};

struct Document {
  Node root;
  bool complete = false;  // whether root is the whole document
  std::vector<DocumentProblem> problems;
};

Document ParseDocument(std::string_view text);

}  // namespace routines

#endif  // ROUTINES_SRC_CONFIG_DOCUMENT_H_
