// What the documentation and the examples say is what the code does.
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "routines/routine.h"
#include "src/config/text_forms.h"
#include "tests/unit/config/loading.h"

namespace routines {
namespace {

namespace fs = std::filesystem;
using google::protobuf::Descriptor;

const std::string kRoot = ROUTINES_SOURCE_DIR;

TEST(Examples, AreValid) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(kRoot + "/examples")) {
    const std::string path = entry.path() / "routine.yaml";
    if (!fs::exists(path)) continue;
    const LoadResult loaded = LoadRoutineFile(path);
    for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.ToString();
    EXPECT_EQ(loaded.routine.name(), entry.path().filename().string());
    ++count;
  }
  EXPECT_GE(count, 5);
}

// The block between "```<language>" and "```" that comes first in `section`.
std::string Block(const std::string& section, const std::string& language) {
  const std::string opening = "```" + language + "\n";
  const size_t start = section.find(opening);
  if (start == std::string::npos) return "";
  const size_t end = section.find("```", start + opening.size());
  return section.substr(start + opening.size(), end - start - opening.size());
}

TEST(WrongFiles, AreAnsweredAsTheirPageSays) {
  std::string page = ReadFile(kRoot + "/docs/wrong_files.md");
  std::map<std::string, std::string> sections;  // by file
  for (size_t start = page.find("\n## "); start != std::string::npos;) {
    const size_t next = page.find("\n## ", start + 1);
    const std::string section = page.substr(start, next == page.npos ? next : next - start);
    const size_t name = section.find("\n`") + 2;
    sections[section.substr(name, section.find('`', name) - name)] = section;
    start = next;
  }
  for (const auto& entry : fs::directory_iterator(kRoot + "/tests/data/wrong")) {
    const std::string file = entry.path().filename();
    SCOPED_TRACE(file);
    ASSERT_EQ(sections.count(file), 1u) << "docs/wrong_files.md does not show it";
    const std::string text = ReadFile(entry.path());
    EXPECT_EQ(Block(sections[file], "yaml"), text);
    std::string answer;
    for (const Problem& problem : LoadRoutine(text, file).problems) {
      absl::StrAppend(&answer, problem.ToString(), "\n");
    }
    EXPECT_NE(answer, "");
    EXPECT_EQ(Block(sections[file], "text"), answer);
    sections.erase(file);
  }
  EXPECT_TRUE(sections.empty()) << sections.begin()->first << " is shown but not there";
}

// Every message of the file's format that `type` leads to.
void Collect(const Descriptor& type, std::set<const Descriptor*>& types) {
  if (type.file()->package() != "routines.v1" || type.options().map_entry()) return;
  if (!types.insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->message_type() != nullptr) Collect(*type.field(i)->message_type(), types);
  }
}

TEST(RoutineFilePage, NamesEveryKeyAndWord) {
  const std::string page = ReadFile(kRoot + "/docs/routine_file.md");
  std::set<const Descriptor*> types;
  Collect(*v1::Routine::descriptor(), types);
  EXPECT_GE(types.size(), 12u);
  for (const Descriptor* type : types) {
    for (int i = 0; i < type->field_count(); ++i) {
      const auto& field = *type->field(i);
      EXPECT_TRUE(absl::StrContains(page, absl::StrCat("\n| `", field.name(), "` |")))
          << field.full_name() << " has no row";
      if (field.enum_type() == nullptr) continue;
      for (const std::string& word : EnumWords(*field.enum_type())) {
        EXPECT_TRUE(absl::StrContains(page, absl::StrCat("`", word, "`"))) << word;
      }
    }
  }
}

TEST(RoutineFilePage, ShowsAFileThatIsValid) {
  const std::string example = Block(ReadFile(kRoot + "/docs/routine_file.md"), "yaml");
  EXPECT_NE(example, "");
  EXPECT_THAT(Problems(example), testing::IsEmpty());
}

}  // namespace
}  // namespace routines
