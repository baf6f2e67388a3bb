#include "src/server/transport.h"

#include <openssl/ssl.h>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>

#include "absl/strings/str_cat.h"

namespace routines::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class PlainTransport : public Transport {
 public:
  using Transport::Transport;

  void Handshake(Done done) override { Post(std::move(done)); }
  void ReadSome(asio::mutable_buffer buffer, Done done) override {
    socket_.async_read_some(buffer, std::move(done));
  }
  void WriteSome(asio::const_buffer buffer, Done done) override {
    socket_.async_write_some(buffer, std::move(done));
  }
  void Shutdown(Done done) override {
    Error ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    Post(std::move(done));
  }

 private:
  void Post(Done done) {
    asio::post(socket_.get_executor(), [done = std::move(done)] { done(Error(), 0); });
  }
};

class TlsTransport : public Transport {
 public:
  TlsTransport(tcp::socket socket, asio::ssl::context& context)
      : Transport(std::move(socket)), stream_(socket_, context) {}

  void Handshake(Done done) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [done = std::move(done)](Error error) { done(error, 0); });
  }
  void ReadSome(asio::mutable_buffer buffer, Done done) override {
    stream_.async_read_some(buffer, std::move(done));
  }
  void WriteSome(asio::const_buffer buffer, Done done) override {
    stream_.async_write_some(buffer, std::move(done));
  }
  void Shutdown(Done done) override {
    stream_.async_shutdown([this, done = std::move(done)](Error error) {
      Error ignored;
      socket_.shutdown(tcp::socket::shutdown_send, ignored);
      done(error, 0);
    });
  }

 private:
  asio::ssl::stream<tcp::socket&> stream_;
};

absl::Status FileError(const char* what, const std::string& file, const Transport::Error& error) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " ", file, ": cannot be used: ", error.message()));
}

}  // namespace

void Transport::Close() {
  Error ignored;
  socket_.close(ignored);
}

void Transport::Discard(Done done) {
  const auto sink = std::make_shared<std::array<char, 4096>>();
  socket_.async_read_some(asio::buffer(*sink),
                          [this, sink, done = std::move(done)](Error error, size_t size) {
                            if (error) return done(error, size);
                            Discard(done);
                          });
}

std::unique_ptr<Transport> NewPlainTransport(tcp::socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

std::unique_ptr<Transport> NewTlsTransport(tcp::socket socket, asio::ssl::context& context) {
  return std::make_unique<TlsTransport>(std::move(socket), context);
}

absl::StatusOr<std::shared_ptr<asio::ssl::context>> NewTlsContext(
    const std::string& certificate_file, const std::string& key_file) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  Transport::Error error;
  context->use_certificate_chain_file(certificate_file, error);
  if (error) return FileError("tls certificate", certificate_file, error);
  context->use_private_key_file(key_file, asio::ssl::context::pem, error);
  if (error) return FileError("tls key", key_file, error);
  return context;
}

}  // namespace routines::server
