// Turns the bytes of a connection into requests, strictly: Beast's parser behind request_head.h.
//
// Thread-safety: none.
#ifndef ROUTINES_SRC_SERVER_REQUEST_READER_H_
#define ROUTINES_SRC_SERVER_REQUEST_READER_H_

#include <utility>  // Asio 1.18 uses std::exchange without it

#include <boost/asio/buffer.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "src/server/http_message.h"

namespace routines::server {

class RequestReader {
 public:
  enum class Result { kMore, kDone, kBad, kTooLarge };

  explicit RequestReader(int64_t max_header_bytes);
  ~RequestReader();

  // Where to put the next bytes, and how many came.
  boost::asio::mutable_buffer Prepare();
  void Commit(size_t size);
  bool empty() const;  // nothing is left of what came

  // The head of the next request into `request`. kBad: problem() says what is wrong. kTooLarge: the
  // head.
  Result ReadHead(Request& request);
  // After the head: its body. kTooLarge: more than `max_bytes`.
  Result ReadBody(int64_t max_bytes, std::string& body);

  // Of the request whose head was read.
  bool body_done() const;
  bool keep_alive() const;
  bool http_1_0() const;
  bool expects_continue() const;
  const std::string& problem() const;

  // Makes ready for the next request; gives memory back.
  void Reset();

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_REQUEST_READER_H_
