// Every way to read agrees with simdjson's on random documents, wherever CheckPayload accepts; on
// broken ones, nothing outside the payload is read (payloads end where their memory ends, for
// instrumented builds to see).
#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "routines/event.h"
#include "src/match/extract.h"

namespace routines {
namespace {

constexpr int kDocuments = 3000;

// Random JSON, with the paths that lead somewhere in it.
class DocumentMaker {
 public:
  explicit DocumentMaker(uint32_t seed) : random_(seed) {}

  std::string Make() {
    paths_.clear();
    out_.clear();
    // The places of blocks of 64 bytes are random, too.
    Space(Below(4) == 0 ? 80 : 3);
    Object("", 0);
    Space(2);
    return out_;
  }

  // At most 64: of the document, with indexes made stars or moved, and of nowhere.
  std::vector<std::string> Paths() {
    std::vector<std::string> paths;
    const int count = 1 + Below(Below(3) == 0 ? 64 : 8);
    for (int i = 0; i < count; ++i) {
      std::string path = paths_.empty() ? "/a" : paths_[Below(static_cast<int>(paths_.size()))];
      switch (Below(8)) {
        case 0:
          path += "/x";
          break;
        case 1:
          path = "/" + RawKey();
          break;
        case 2:
        case 3:
        case 4:
          path = WithStars(path);
          break;
        default:
          break;
      }
      paths.push_back(path);
    }
    return paths;
  }

  int Below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  std::mt19937& random() { return random_; }

 private:
  void Space(int most) {
    if (Below(5) != 0) return;
    for (int n = Below(most + 1); n > 0; --n) out_ += " \n\r\t"[Below(4)];
  }

  std::string RawKey() {
    static const char* const kKeys[] = {"a", "b",  "name", "0",  "1",  "*",      "full_name", "id",
                                        "",  "ab", "key",  "-1", "01", "labels", "user"};
    return kKeys[Below(15)];
  }

  // As a JSON string; now and then with escapes, or long.
  void String(const std::string& text) {
    out_ += '"';
    for (const char c : text) {
      if (Below(9) == 0) {
        absl::StrAppend(&out_, "\\u00", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  void Text() {
    out_ += '"';
    static const char* const kParts[] = {
        "x",    "word",        "{",       "}",   "[", "]",  "\\\"",     "\\\\",           ":",
        ",",    "\\n",         "\\u20ac", "\\/", "é", "日", "\\\\\\\"", "\\ud83d\\ude00", "null",
        "/a/b", "            "};
    for (int n = Below(Below(4) == 0 ? 60 : 6); n > 0; --n) out_ += kParts[Below(20)];
    out_ += '"';
  }

  void Value(const std::string& path, int depth) {
    paths_.push_back(path);
    const int kind = Below(depth > 5 ? 6 : 10);
    if (kind < 2) {
      Text();
    } else if (kind == 2) {
      static const char* const kNumbers[] = {"0",    "-1", "1.5e3", "12345678901234567890123",
                                             "-0.0", "7"};
      out_ += kNumbers[Below(6)];
    } else if (kind < 6) {
      static const char* const kWords[] = {"true", "false", "null"};
      out_ += kWords[kind - 3];
    } else if (kind < 8) {
      Object(path, depth);
    } else {
      Array(path, depth);
    }
  }

  void Object(const std::string& path, int depth) {
    out_ += '{';
    std::vector<std::string> keys;
    for (int n = Below(8); n > 0; --n) {
      const std::string key = RawKey();
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    bool first = true;
    for (const std::string& key : keys) {
      if (!first) out_ += ',';
      first = false;
      Space(3);
      String(key);
      Space(3);
      out_ += ':';
      Space(3);
      Value(path + "/" + key, depth + 1);
      Space(70);
    }
    Space(3);
    out_ += '}';
  }

  void Array(const std::string& path, int depth) {
    out_ += '[';
    const int count = Below(5);
    for (int i = 0; i < count; ++i) {
      if (i > 0) out_ += ',';
      Space(3);
      Value(absl::StrCat(path, "/", i), depth + 1);
      Space(3);
    }
    Space(3);
    out_ += ']';
  }

  std::string WithStars(const std::string& path) {
    std::string out;
    for (size_t i = 0; i < path.size(); ++i) {
      const bool digit = path[i] >= '0' && path[i] <= '9' && path[i - 1] == '/' &&
                         (i + 1 == path.size() || path[i + 1] == '/');
      out += digit && Below(2) == 0 ? '*' : path[i];
    }
    return out;
  }

  std::mt19937 random_;
  std::string out_;
  std::vector<std::string> paths_;
};

std::string ToText(const absl::Status& status, const Extraction& extraction, int targets) {
  if (!status.ok()) return "broken";
  std::string out;
  for (int target = 0; target < targets; ++target) {
    absl::StrAppend(&out, "#", target);
    for (const ExtractedValue& value : extraction.values(target)) {
      absl::StrAppend(
          &out, " ", static_cast<int>(value.kind), ":",
          value.kind == ValueKind::kArray ? absl::StrCat(value.size) : std::string(value.text()));
    }
  }
  return out;
}

// The bytes of `text` in memory that ends with them.
class ExactBytes {
 public:
  explicit ExactBytes(const std::string& text) : bytes_(new char[text.size()]), size_(text.size()) {
    std::memcpy(bytes_.get(), text.data(), size_);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};

class Readers {
 public:
  Readers() {
    for (const Extraction::Method method : Extraction::Methods()) readers_.emplace_back(method);
  }

  // The answers of all; the first is simdjson's. Read twice: everything, and then `wanted` only.
  std::vector<std::string> Read(std::string_view payload, const ExtractionPlan& plan,
                                TargetMask wanted) {
    std::vector<std::string> answers;
    for (Extraction& reader : readers_) {
      reader.Open(payload);
      const absl::Status all = reader.Read(plan, plan.all());
      std::string answer = ToText(all, reader, plan.targets());
      const absl::Status some = reader.Read(plan, wanted);
      answers.push_back(answer + "\n" + ToText(some, reader, plan.targets()));
    }
    return answers;
  }

 private:
  std::vector<Extraction> readers_;
};

ExtractionPlan Compile(const std::vector<std::string>& paths, TargetMask patterns) {
  const std::vector<std::string_view> views(paths.begin(), paths.end());
  auto plan = ExtractionPlan::Compile(views, patterns);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return *plan;
}

TEST(ExtractDifferential, AllMethodsAgreeOnRandomDocuments) {
  DocumentMaker maker(20261124);
  Readers readers;
  for (int i = 0; i < kDocuments; ++i) {
    const std::string text = maker.Make();
    ASSERT_EQ(CheckPayload(text), absl::OkStatus()) << text;
    const ExactBytes payload(text);
    for (int k = 0; k < 3; ++k) {
      const auto paths = maker.Paths();
      const ExtractionPlan plan = Compile(paths, maker.Below(4) == 0 ? 0 : ~TargetMask{0});
      const TargetMask wanted = maker.random()() & plan.all();
      const auto answers = readers.Read(payload.view(), plan, wanted);
      for (size_t m = 1; m < answers.size(); ++m) {
        ASSERT_EQ(answers[m], answers[0]) << "method " << m << "\n" << text;
      }
    }
  }
}

TEST(ExtractDifferential, BrokenDocumentsAreBorne) {
  DocumentMaker maker(7);
  Readers readers;
  int accepted = 0;
  for (int i = 0; i < kDocuments; ++i) {
    std::string text = maker.Make();
    const auto paths = maker.Paths();
    const ExtractionPlan plan = Compile(paths, ~TargetMask{0});
    for (int n = 1 + maker.Below(4); n > 0 && !text.empty(); --n) {
      const size_t at = static_cast<size_t>(maker.Below(static_cast<int>(text.size())));
      static const char kBytes[] = "\"\\{}[]:, \nn1-tu\0\x80";
      if (maker.Below(3) == 0) {
        text.resize(at);
      } else if (maker.Below(2) == 0) {
        text.erase(at, 1);
      } else {
        text[at] = kBytes[maker.Below(sizeof(kBytes) - 1)];
      }
    }
    const ExactBytes payload(text);
    const auto answers = readers.Read(payload.view(), plan, maker.random()() & plan.all());
    if (!CheckPayload(text).ok()) continue;
    ++accepted;
    for (size_t m = 1; m < answers.size(); ++m) ASSERT_EQ(answers[m], answers[0]) << text;
  }
  EXPECT_GT(accepted, kDocuments / 50);
}

TEST(ExtractDifferential, EveryLengthIsRead) {
  Readers readers;
  const ExtractionPlan plan = Compile({"/k", "/z"}, 0);
  for (int length = 0; length < 300; ++length) {
    const std::string text =
        absl::StrCat("{\"k\":\"", std::string(static_cast<size_t>(length), 'x'), "\",\"z\":1}");
    const ExactBytes payload(text);
    for (const std::string& answer : readers.Read(payload.view(), plan, 0)) {
      ASSERT_EQ(answer, absl::StrCat("#0 4:", std::string(static_cast<size_t>(length), 'x'),
                                     "#1 3:1\n#0#1"));
    }
  }
}

TEST(ExtractDifferential, BackslashesOfEveryNumberAtEveryPlace) {
  Readers readers;
  const ExtractionPlan plan = Compile({"/k", "/z"}, 0);
  for (int before = 40; before < 75; ++before) {
    for (int pairs = 0; pairs < 70; ++pairs) {
      std::string text = absl::StrCat("{\"k\":\"", std::string(static_cast<size_t>(before), 'x'));
      for (int i = 0; i < pairs; ++i) text += "\\\\";
      text += "\\\"}\",\"z\":1}";
      const ExactBytes payload(text);
      const auto answers = readers.Read(payload.view(), plan, 1);
      for (const std::string& answer : answers) ASSERT_EQ(answer, answers[0]) << text;
      ASSERT_NE(answers[0].find("#1 3:1"), std::string::npos) << text;
    }
  }
}

}  // namespace
}  // namespace routines
