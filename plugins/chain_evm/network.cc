#include "network.h"

#include <heddle/sdk/error.h>
#include <heddle/sdk/quiet.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <chrono>
#include <deque>
#include <optional>
#include <thread>
#include <utility>
#include <variant>


namespace chain_evm {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;
using heddle::sdk::Error;
using Plain = beast::tcp_stream;
using Tls = beast::ssl_stream<beast::tcp_stream>;

std::chrono::milliseconds ms(uint64_t count) { return std::chrono::milliseconds(static_cast<int64_t>(count)); }

// As a person reads it, without the words of the library.
std::string reason(const error_code& error) {
  if (error == beast::error::timeout) return "no answer in time";
  if (error == http::error::body_limit) return "an answer that is larger than is taken";
  if (error == http::error::end_of_stream || error == asio::error::eof) return "the connection was closed";
  return error.message();
}

}  // namespace

class Network::Loop {
 public:
  Loop(std::vector<Site> its_sites, NetworkParams its_params) : params(std::move(its_params)), sites(std::move(its_sites)), idle(sites.size()) {
    tls.set_verify_mode(asio::ssl::verify_peer);
    error_code failed;
    if (params.ca.empty()) tls.set_default_verify_paths(failed);
    if (!params.ca.empty()) tls.load_verify_file(params.ca, failed);
    if (failed) throw Error(HEDDLE_INVALID, "\"ca\": the file " + params.ca + " cannot be used: " + failed.message());
  }

  asio::io_context io{1};
  asio::ssl::context tls{asio::ssl::context::tls_client};
  const NetworkParams params;
  const std::vector<Site> sites;
  std::vector<std::vector<std::shared_ptr<Line>>> idle;  // connections that are kept, by site
  std::thread thread;
};

// One connection, which is asked one thing at a time.
class Network::Line : public std::enable_shared_from_this<Line> {
 public:
  Line(Loop& loop, size_t site) : loop_(loop), site_(site), resolver_(loop.io), patience_(loop.io) {}
  virtual ~Line() = default;

  void ask(std::string body, Replied replied) {
    body_ = std::move(body);
    replied_ = std::move(replied);
    is_kept_ = is_open_;
    if (is_open_) return write();
    connect();
  }

 protected:
  const Site& site() const { return loop_.sites[site_]; }
  // The stream under whatever is above it.
  virtual Plain& bottom() = 0;
  virtual void shake_hands() = 0;  // TLS, WebSocket; then opened()
  virtual void write() = 0;        // body_; then ended() or failed()

  void connect() {
    patience_.expires_after(ms(loop_.params.connect_ms));
    patience_.async_wait([self = shared_from_this()](error_code stopped) {
      if (!stopped) self->resolver_.cancel();
    });
    resolver_.async_resolve(site().url.host, site().url.port, [self = shared_from_this()](error_code error, const asio::ip::tcp::resolver::results_type& found) {
      self->patience_.cancel();
      if (error) return self->failed(error, "its name cannot be looked up: ");
      self->bottom().expires_after(ms(self->loop_.params.connect_ms));
      self->bottom().async_connect(found, [self](error_code refused, const asio::ip::tcp::endpoint&) {
        if (refused) return self->failed(refused, "it cannot be reached: ");
        error_code ignored;
        self->bottom().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
        self->shake_hands();
      });
    });
  }
  template <class Stream>
  void secure(Stream& stream, std::function<void()> then) {
    const std::string& host = site().url.host;
    if (!::SSL_set_tlsext_host_name(stream.native_handle(), host.c_str())) return failed({}, "TLS cannot begin");
    stream.set_verify_callback(asio::ssl::host_name_verification(host));
    stream.async_handshake(asio::ssl::stream_base::client, [self = shared_from_this(), then = std::move(then)](error_code error) {
      if (error) return self->failed(error, "TLS: ");
      then();
    });
  }
  void opened() {
    is_open_ = true;
    write();
  }
  void ended(Reply reply, bool is_kept) {
    is_open_ = is_kept;
    if (is_kept) loop_.idle[site_].push_back(shared_from_this());
    if (auto then = std::exchange(replied_, {})) then(std::move(reply));
  }
  void failed(error_code error, const std::string& what) {
    is_open_ = false;
    if (auto then = std::exchange(replied_, {})) then(Reply{.status = 0, .body = {}, .why = what + (error ? reason(error) : "")});
  }

  Loop& loop_;
  const size_t site_;
  std::string body_;
  bool is_open_ = false, is_kept_ = false;

 private:
  asio::ip::tcp::resolver resolver_;
  asio::steady_timer patience_;
  Replied replied_;
};

class Network::HttpLine : public Line {
 public:
  HttpLine(Loop& loop, size_t site) : Line(loop, site) {
    if (loop.sites[site].url.has_tls) {
      stream_.emplace<Tls>(loop.io, loop.tls);
    } else {
      stream_.emplace<Plain>(loop.io);
    }
  }

 private:
  std::shared_ptr<HttpLine> self() { return std::static_pointer_cast<HttpLine>(shared_from_this()); }
  Plain& bottom() override { return std::holds_alternative<Tls>(stream_) ? beast::get_lowest_layer(std::get<Tls>(stream_)) : std::get<Plain>(stream_); }
  void shake_hands() override {
    if (!site().url.has_tls) return opened();
    secure(std::get<Tls>(stream_), [this] { opened(); });
  }
  void write() override {
    const Url& url = site().url;
    request_ = {http::verb::post, url.target, 11};
    request_.set(http::field::host, url.origin.substr(url.origin.find("://") + 3));
    request_.set(http::field::content_type, "application/json");
    if (!site().token.empty()) request_.set(http::field::authorization, "Bearer " + site().token);
    request_.body() = std::move(body_);
    request_.prepare_payload();
    parser_.emplace();
    parser_->body_limit(loop_.params.most_bytes);
    if (auto* const tls = std::get_if<Tls>(&stream_)) exchange(*tls);
    if (auto* const plain = std::get_if<Plain>(&stream_)) exchange(*plain);
  }
  template <class Stream>
  void exchange(Stream& stream) {
    bottom().expires_after(ms(loop_.params.answer_ms));
    http::async_write(stream, request_, [self = self(), &stream](error_code error, size_t) {
      if (error) return self->broke(error);
      http::async_read(stream, self->read_, *self->parser_, [self](error_code unread, size_t) {
        if (unread) return self->broke(unread);
        self->read_all();
      });
    });
  }
  // A kept connection may have been closed since: that says nothing of the node.
  void broke(error_code error) {
    if (!is_kept_ || error == beast::error::timeout || parser_->got_some() || read_.size() > 0) return failed(error, {});
    is_kept_ = is_open_ = false;
    body_ = std::move(request_.body());
    read_.clear();
    if (site().url.has_tls) {
      stream_.emplace<Tls>(loop_.io, loop_.tls);
    } else {
      stream_.emplace<Plain>(loop_.io);
    }
    connect();
  }
  void read_all() {
    auto response = parser_->release();
    Reply reply{.status = static_cast<int>(response.result_int()), .body = std::move(response.body()), .why = {}};
    const auto after = response.find(http::field::retry_after);
    if (after != response.end()) reply.retry_after_s = std::strtoull(std::string(after->value()).c_str(), nullptr, 10);
    ended(std::move(reply), response.keep_alive());
  }

  std::variant<std::monostate, Plain, Tls> stream_;
  http::request<http::string_body> request_;
  std::optional<http::response_parser<http::string_body>> parser_;
  beast::flat_buffer read_;
};

// Only a hint: what goes wrong here costs nothing but time.
class Network::Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  Subscription(Loop& loop, Site site, std::function<void()> heard) : loop_(loop), site_(std::move(site)), heard_(std::move(heard)), resolver_(loop.io), pause_(loop.io) {}

  void begin() {
    read_.clear();
    if (site_.url.has_tls) {
      stream_.emplace<Secure>(loop_.io, loop_.tls);
    } else {
      stream_.emplace<Open>(loop_.io);
    }
    resolver_.async_resolve(site_.url.host, site_.url.port, [self = shared_from_this()](error_code error, const asio::ip::tcp::resolver::results_type& found) {
      if (error) return self->again();
      if (auto* const open = std::get_if<Open>(&self->stream_)) self->connect(*open, found);
      if (auto* const secure = std::get_if<Secure>(&self->stream_)) self->connect(*secure, found);
    });
  }

 private:
  using Open = websocket::stream<Plain>;
  using Secure = websocket::stream<Tls>;
  static constexpr uint64_t kAgainMs = 5'000;
  static constexpr size_t kMostMessage = size_t{1} << 20;

  template <class Stream>
  void connect(Stream& stream, const asio::ip::tcp::resolver::results_type& found) {
    beast::get_lowest_layer(stream).expires_after(ms(loop_.params.connect_ms));
    beast::get_lowest_layer(stream).async_connect(found, [self = shared_from_this(), &stream](error_code error, const asio::ip::tcp::endpoint&) {
      if (error) return self->again();
      if constexpr (std::is_same_v<Stream, Secure>) {
        const std::string& host = self->site_.url.host;
        if (!::SSL_set_tlsext_host_name(stream.next_layer().native_handle(), host.c_str())) return self->again();
        stream.next_layer().set_verify_callback(asio::ssl::host_name_verification(host));
        stream.next_layer().async_handshake(asio::ssl::stream_base::client, [self, &stream](error_code refused) { refused ? self->again() : self->shake_hands(stream); });
      } else {
        self->shake_hands(stream);
      }
    });
  }
  template <class Stream>
  void shake_hands(Stream& stream) {
    // From here on the stream watches by itself that the other side is still there.
    beast::get_lowest_layer(stream).expires_never();
    stream.set_option(websocket::stream_base::timeout{ms(loop_.params.connect_ms), std::chrono::seconds(30), true});
    stream.set_option(websocket::stream_base::decorator([token = site_.token](websocket::request_type& request) {
      if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
    }));
    stream.read_message_max(kMostMessage);
    const std::string host = site_.url.origin.substr(site_.url.origin.find("://") + 3);
    stream.async_handshake(host, site_.url.target, [self = shared_from_this(), &stream](error_code error) {
      if (error) return self->again();
      static const std::string kWish = R"({"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]})";
      stream.async_write(asio::buffer(kWish), [self, &stream](error_code unsaid, size_t) { unsaid ? self->again() : self->listen(stream); });
    });
  }
  template <class Stream>
  void listen(Stream& stream) {
    stream.async_read(read_, [self = shared_from_this(), &stream](error_code error, size_t) {
      if (error) return self->again();
      self->read_.clear();
      self->heard_();
      self->listen(stream);
    });
  }
  void again() {
    pause_.expires_after(ms(kAgainMs));
    pause_.async_wait([self = shared_from_this()](error_code stopped) {
      if (!stopped) self->begin();
    });
  }

  Loop& loop_;
  const Site site_;
  const std::function<void()> heard_;
  asio::ip::tcp::resolver resolver_;
  asio::steady_timer pause_;
  std::variant<std::monostate, Open, Secure> stream_;
  beast::flat_buffer read_;
};

Network::Network(std::vector<Site> sites, NetworkParams params, std::function<void(std::string_view why)> thrown) : loop_(std::make_unique<Loop>(std::move(sites), std::move(params))) {
  loop_->thread = heddle::sdk::quiet_thread([loop = loop_.get(), thrown = std::move(thrown)] {
    const auto stays = asio::make_work_guard(loop->io);
    while (!loop->io.stopped()) heddle::sdk::detail::guard([&] { loop->io.run(); }, [&](heddle_status, std::string_view why) { thrown(why); });
  });
}

Network::~Network() { stop(); }

void Network::stop() {
  loop_->io.stop();
  if (loop_->thread.joinable()) loop_->thread.join();
}

void Network::post(std::function<void()> what) { asio::post(loop_->io, std::move(what)); }

void Network::after(uint64_t delay_ms, std::function<void()> what) {
  auto timer = std::make_shared<asio::steady_timer>(loop_->io, ms(delay_ms));
  timer->async_wait([timer, what = std::move(what)](error_code stopped) {
    if (!stopped) what();
  });
}

std::string Network::hide(size_t site, std::string_view text) const { return loop_->sites[site].url.hide(text, loop_->sites[site].token); }

void Network::ask(size_t site, std::string body, Replied replied) {
  auto& idle = loop_->idle[site];
  std::shared_ptr<Line> line;
  if (!idle.empty()) {
    line = std::move(idle.back());
    idle.pop_back();
  } else {
    line = std::make_shared<HttpLine>(*loop_, site);
  }
  asio::post(loop_->io, [line = std::move(line), body = std::move(body), replied = std::move(replied)]() mutable { line->ask(std::move(body), std::move(replied)); });
}

void Network::subscribe(Site site, std::function<void()> heard) { std::make_shared<Subscription>(*loop_, std::move(site), std::move(heard))->begin(); }

}  // namespace chain_evm
