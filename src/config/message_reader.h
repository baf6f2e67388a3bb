// Reads a document into a message by its descriptor: there is no code per field.
#ifndef ROUTINES_SRC_CONFIG_MESSAGE_READER_H_
#define ROUTINES_SRC_CONFIG_MESSAGE_READER_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "google/protobuf/message.h"
#include "routines/routine.h"
#include "src/config/document.h"

namespace routines {

class MessageReader {
 public:
  // Fills `message` with what could be read; what could not is a problem.
  void Read(const Node& root, google::protobuf::Message* message);

  // Without their file.
  std::vector<Problem> TakeProblems() { return std::move(problems_); }

  // Where the field of `path` stands, or the nearest one around it.
  Position PositionOf(std::string path) const;

  // Whether `path`, something in it or something around it was reported already, so that a
  // complaint about its content would only repeat that.
  bool Reported(const std::string& path) const;

 private:
  using Message = google::protobuf::Message;
  using Field = google::protobuf::FieldDescriptor;

  void ReadMessage(const Node& node, const std::string& path, Message* message);
  void ReadKey(const Node& map, size_t index, const std::string& path, Message* message);
  bool CheckKey(const Node::Key& key, const std::string& parent, const Message& message);
  void ReadField(const Node& node, const std::string& path, const Field& field, Message* message);
  void ReadMap(const Node& node, const std::string& path, const Field& field, Message* message);
  void ReadList(const Node& node, const std::string& path, const Field& field, Message* message);
  void ReadScalar(const Node& node, const std::string& path, const Field& field, Message* message);
  void ReadText(const Node& node, const std::string& path, const Field& field, Message* message);
  bool ReadWellKnown(const Node& node, const std::string& path, Message* message);
  void ReadDuration(const Node& node, const std::string& path, Message* message);
  void ReadTimestamp(const Node& node, const std::string& path, Message* message);
  void ReadValue(const Node& node, const std::string& path, Message* message);
  void ReadStruct(const Node& node, const std::string& path, Message* message);
  void ReadAnything(const Node& node, const std::string& path, Message* message);

  void Report(Position position, const std::string& path, std::string message);
  void ReportUnknownKey(const Node::Key& key, const std::string& parent, const Message& message);
  void Expected(std::string_view what, const Node& node, const std::string& path);

  std::vector<Problem> problems_;
  std::set<std::string> reported_;             // paths
  std::map<std::string, Position> positions_;  // by path
};

}  // namespace routines

#endif  // ROUTINES_SRC_CONFIG_MESSAGE_READER_H_
