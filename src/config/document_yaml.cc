// The YAML reader of routine files. Left out of a build without ROUTINES_YAML.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/base/words.h"
#include "src/config/document.h"
#include "src/config/document_readers.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/mark.h"
#include "yaml-cpp/parser.h"

namespace routines {
namespace {

Position At(const YAML::Mark& mark) {
  if (mark.is_null()) return {1, 1};
  return {mark.line + 1, mark.column + 1};
}

// The text as the parser gets it. JSON writes characters beyond U+FFFF as two escapes, a surrogate
// pair, which YAML does not know: they become YAML's one escape, and positions behind them are set
// right.
class Source {
 public:
  explicit Source(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos || text[first] != '{' || text.find("\\u") == text.npos) {
      text_ = std::string(text);
      return;
    }
    for (size_t i = 0; i < text.size();) {
      const uint32_t high = text[i] == '\\' ? CodeUnit(text.substr(i)) : 0;
      const uint32_t low = high >= 0xD800 && high < 0xDC00 ? CodeUnit(text.substr(i + 6)) : 0;
      if (low >= 0xDC00 && low < 0xE000) {
        const uint32_t character = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        absl::StrAppendFormat(&text_, "\\U%08x", character);
        shortened_.push_back(text_.size());
        i += 12;
      } else {
        // A backslash and what it escapes belong together: "\\u" is none.
        const size_t length = text[i] == '\\' ? std::min<size_t>(2, text.size() - i) : 1;
        text_.append(text.substr(i, length));
        i += length;
      }
    }
  }

  const std::string& text() const { return text_; }

  // Where the parser's position stands in the file.
  Position At(const YAML::Mark& mark) const {
    Position position = routines::At(mark);
    const auto offset = static_cast<size_t>(std::max(mark.pos, 0));
    const size_t line = offset - std::min<size_t>(offset, position.column - 1);
    const auto behind = [&](size_t end) {
      return std::upper_bound(shortened_.begin(), shortened_.end(), end);
    };
    position.column += 2 * static_cast<int>(behind(offset) - behind(line));
    return position;
  }

 private:
  // Of an escape "\uXXXX" at the beginning of `text`; 0 where there is none.
  static uint32_t CodeUnit(std::string_view text) {
    uint32_t unit = 0;
    if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return 0;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
    return error == std::errc() && end == text.data() + 6 ? unit : 0;
  }

  std::string text_;
  std::vector<size_t> shortened_;  // where the shorter escapes end in text_
};

// Ends the parsing from within the parser.
struct Stop {
  DocumentProblem problem;
};

// Builds the tree from the parser's events; never sees more than the limits allow.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const Source& source, Document* document) : source_(source), document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw Stop{{source_.At(mark), "a second document begins here; write one routine per file"}};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Node node{Node::Kind::kNull, source_.At(mark)};
    const std::string_view text = source_.text();
    const std::string_view rest = text.substr(std::min<size_t>(std::max(mark.pos, 0), text.size()));
    node.written = !rest.empty() && (rest[0] == '~' || rest[0] == 'n' || rest[0] == 'N');
    Add(std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    Node node{Node::Kind::kScalar, source_.At(mark), value, tag == "?"};
    RefuseTag(tag, &node);
    if (value.find('\0') != std::string::npos) {
      Report(source_.At(mark), "contains a NUL character; remove it");
      node.kind = Node::Kind::kBroken;
    }
    Add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Report(source_.At(mark), "aliases (*name) are not supported; write the value again");
    Add({Node::Kind::kBroken, source_.At(mark)});
  }

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    Report(source_.At(mark),
           absl::StrCat("anchors (&", Abbreviated(name),
                        ") are not supported; remove it and write the value where it is used"));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, Node::Kind::kList);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, Node::Kind::kMap);
  }
  // The innermost list or map that has begun and not ended; null where there is none.
  const Node* Innermost(Node::Kind kind) const {
    const auto found = std::find_if(open_.rbegin(), open_.rend(),
                                    [kind](const Node* node) { return node->kind == kind; });
    return found == open_.rend() ? nullptr : *found;
  }

  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  void Report(Position position, std::string message) {
    document_->problems.push_back({position, std::move(message)});
  }

  void RefuseTag(const std::string& tag, Node* node) {
    if (tag == "?" || tag == "!" || tag.empty()) return;
    Report(node->position, "tags (!name) are not supported; remove it, quotes make a value text");
    if (node->kind == Node::Kind::kScalar) node->kind = Node::Kind::kBroken;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, Node::Kind kind) {
    if (open_.size() >= kMaxDocumentDepth) {
      throw Stop{{source_.At(mark),
                  absl::StrCat("is nested more than ", kMaxDocumentDepth, " levels deep")}};
    }
    Node node{kind, source_.At(mark)};
    RefuseTag(tag, &node);
    open_.push_back(Add(std::move(node)));
  }

  // Returned pointers stay valid while the node is open: its parent grows only after it has ended.
  Node* Add(Node node) {
    if (++nodes_ > kMaxDocumentNodes) {
      throw Stop{{node.position, absl::StrCat("the file has more than ", kMaxDocumentNodes,
                                              " values; make it smaller")}};
    }
    if (open_.empty()) {
      document_->root = std::move(node);
      return &document_->root;
    }
    Node* parent = open_.back();
    if (parent->kind == Node::Kind::kMap && parent->keys.size() == parent->children.size()) {
      AddKey(std::move(node), parent);
      return nullptr;
    }
    parent->children.push_back(std::move(node));
    return &parent->children.back();
  }

  void AddKey(Node node, Node* parent) {
    if (node.kind != Node::Kind::kScalar && node.kind != Node::Kind::kBroken) {
      throw Stop{{node.position, "expected a key, a word before the colon"}};
    }
    parent->keys.push_back({std::move(node.text), node.position});
  }

  const Source& source_;
  Document* const document_;
  std::vector<Node*> open_;
  size_t nodes_ = 0;
  int documents_ = 0;
};

// What the parser's message means for somebody who wrote the file, and how to mend it.
std::string Explain(const std::string& message) {
  struct Explanation {
    std::string_view beginning;
    std::string_view text;
  };
  static constexpr Explanation kExplanations[] = {
      {"end of map flow not found", "this { is not closed; add the missing } or comma"},
      {"end of sequence flow not found", "this [ is not closed; add the missing ] or comma"},
      {"end of map not found", "does not line up with the keys above; check the indentation"},
      {"end of sequence not found",
       "does not line up with the list above; begin each item with \"- \" in the same column"},
      {"illegal map value",
       "a colon has no place here; put a text that contains \": \" in quotes, or check the "
       "indentation"},
      {"illegal block entry", "a list item has no place here; begin it on a line of its own"},
      {"illegal map key", "a key has no place here; begin it on a line of its own"},
      {"illegal EOF in scalar", "a quote is not closed before the file ends"},
      {"illegal document indicator in scalar",
       "a quote is not closed before the line of --- or ..."},
      {"illegal flow end", "a } or ] closes nothing; remove it, or put the text in quotes"},
      {"illegal tab when looking for indentation", "a tab indents this line; indent with spaces"},
      {"unknown escape character",
       "is an escape that YAML does not know; write \\\\ for a backslash, or use single quotes"},
      {"unknown token", "a value cannot begin with this character; put it in quotes"},
      {"the referenced anchor is not defined",
       "aliases (*name) are not supported; write the value again, or put a text that begins with * "
       "in quotes"},
      {"alias not found", "a text that begins with * must be in quotes"},
      {"illegal character found while scanning alias",
       "a text that begins with * must be in quotes"},
      {"anchor not found", "a text that begins with & must be in quotes"},
      {"illegal character found while scanning anchor",
       "a text that begins with & must be in quotes"},
      {"bad character found while scanning hex number", "an escape needs hexadecimal digits"},
      {"invalid unicode", "an escape names no Unicode character"},
  };
  for (const Explanation& explanation : kExplanations) {
    if (message.compare(0, explanation.beginning.size(), explanation.beginning) == 0) {
      return std::string(explanation.text);
    }
  }
  return absl::StrCat("is not valid YAML: ", Abbreviated(message));
}

// The parser reports a tab in the indentation in many ways; this one helps.
bool IndentedByTab(std::string_view text, int line) {
  size_t start = 0;
  for (int i = 1; i < line && start != std::string_view::npos; ++i) {
    start = text.find('\n', start);
    if (start != std::string_view::npos) ++start;
  }
  if (start == std::string_view::npos) return false;
  const std::string_view rest = text.substr(start);
  const std::string_view indent = rest.substr(0, rest.find_first_not_of(" \t"));
  return indent.find('\t') != std::string_view::npos;
}

DocumentProblem SyntaxProblem(const Source& source, const TreeBuilder& tree,
                              const YAML::Exception& error) {
  const Position position = source.At(error.mark);
  if (IndentedByTab(source.text(), position.line)) {
    return {{position.line, 1}, "a tab indents this line; indent with spaces"};
  }
  // The parser notices a missing bracket at some later place; where it was opened helps more.
  const Node* open = nullptr;
  if (error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW) open = tree.Innermost(Node::Kind::kList);
  if (error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW) open = tree.Innermost(Node::Kind::kMap);
  return {open == nullptr ? position : open->position, Explain(error.msg)};
}

}  // namespace

void ReadYaml(std::string_view text, Document* document) {
  const Source source(text);
  TreeBuilder builder(source, document);
  try {
    std::istringstream stream(source.text());
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      document->problems.push_back({{1, 1}, "the file is empty; write at least name and prompt"});
      return;
    }
    parser.HandleNextDocument(builder);
    document->complete = true;
  } catch (const Stop& stop) {
    document->problems.push_back(stop.problem);
  } catch (const YAML::Exception& error) {
    document->problems.push_back(SyntaxProblem(source, builder, error));
  }
}

}  // namespace routines
