#include "bench/extract_payloads.h"

namespace routines::bench {

namespace od = simdjson::ondemand;

bool SimdjsonPeer::Read(simdjson::padded_string_view payload, PullRequestFields& out) {
  out.labels.clear();
  od::document doc;
  if (parser_.iterate(payload).get(doc)) return false;
  const auto text = [](simdjson::simdjson_result<od::value> value, std::string_view& to) {
    to = {};
    if (value.get_string().get(to)) to = {};  // null
  };
  text(doc["action"], out.action);
  od::object pull;
  if (doc["pull_request"].get_object().get(pull)) return false;
  text(pull["state"], out.state);
  text(pull["title"], out.title);
  text(pull["user"]["login"], out.author);
  text(pull["body"], out.body);
  for (auto label : pull["labels"]) {
    std::string_view name;
    text(label["name"], name);
    out.labels.push_back(name);
  }
  if (pull["draft"].get_bool().get(out.is_draft)) return false;
  od::object head, base;
  if (pull["head"].get_object().get(head)) return false;
  text(head["ref"], out.head_branch);
  text(head["repo"]["full_name"], out.head_repository);
  if (pull["base"].get_object().get(base)) return false;
  text(base["ref"], out.base_branch);
  text(base["repo"]["full_name"], out.base_repository);
  text(pull["author_association"], out.author_association);
  if (pull["merged"].get_bool().get(out.is_merged)) return false;
  text(doc["repository"]["full_name"], out.repository);
  text(doc["sender"]["login"], out.sender);
  return true;
}

}  // namespace routines::bench
