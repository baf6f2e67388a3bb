// A connection's bytes, plain or through TLS.
//
// Thread-safety: none; everything happens on the thread of the socket's io_context, callbacks too,
// never inline. After Close every callback still comes, with an error.
#ifndef ROUTINES_SRC_SERVER_TRANSPORT_H_
#define ROUTINES_SRC_SERVER_TRANSPORT_H_

#include <utility>  // Asio 1.18 uses std::exchange without it

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace boost::asio::ssl {
class context;
}

namespace routines::server {

class Transport {
 public:
  using Error = boost::system::error_code;
  using Done = std::function<void(Error, size_t)>;

  explicit Transport(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}
  virtual ~Transport() = default;

  virtual void Handshake(Done done) = 0;
  virtual void ReadSome(boost::asio::mutable_buffer buffer, Done done) = 0;
  virtual void WriteSome(boost::asio::const_buffer buffer, Done done) = 0;
  // Says goodbye: nothing more will be written.
  virtual void Shutdown(Done done) = 0;

  void Close();
  // Reads what still comes, whatever it is, so that closing does not reset the connection under an
  // answer that the peer has not read yet. `done` at its end.
  void Discard(Done done);

 protected:
  boost::asio::ip::tcp::socket socket_;
};

std::unique_ptr<Transport> NewPlainTransport(boost::asio::ip::tcp::socket socket);
std::unique_ptr<Transport> NewTlsTransport(boost::asio::ip::tcp::socket socket,
                                           boost::asio::ssl::context& context);

// TLS 1.2 or newer with these PEM files. kInvalidArgument: one of them cannot be used.
absl::StatusOr<std::shared_ptr<boost::asio::ssl::context>> NewTlsContext(
    const std::string& certificate_file, const std::string& key_file);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_TRANSPORT_H_
