// What Node lacks for the agent: who is at the other end of a Unix socket, and keeping secrets out of core
// dumps. Adopting a listening socket and giving up root need nothing from here (server.listen({ fd }),
// process.setuid).
#include <napi.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace
{

Napi::Value fail(Napi::Env env, const char *what)
{
    Napi::Error error = Napi::Error::New(env, std::string(what) + ": " + std::strerror(errno));
    error.ThrowAsJavaScriptException();
    return env.Undefined();
}

bool descriptor_argument(const Napi::CallbackInfo &info, int &descriptor)
{
    if (info.Length() == 1 && info[0].IsNumber()) {
        descriptor = info[0].As<Napi::Number>().Int32Value();
        return true;
    }
    Napi::TypeError::New(info.Env(), "a descriptor is needed").ThrowAsJavaScriptException();
    return false;
}

Napi::Value peer_credentials(const Napi::CallbackInfo &info)
{
    int descriptor;
    ucred peer = {};
    socklen_t length = sizeof peer;
    if (!descriptor_argument(info, descriptor))
        return info.Env().Undefined();
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return fail(info.Env(), "SO_PEERCRED");
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("pid", static_cast<double>(peer.pid));
    result.Set("uid", static_cast<double>(peer.uid));
    result.Set("gid", static_cast<double>(peer.gid));
    return result;
}

Napi::Value is_listening_socket(const Napi::CallbackInfo &info)
{
    int descriptor;
    int listening = 0;
    socklen_t length = sizeof listening;
    if (!descriptor_argument(info, descriptor))
        return info.Env().Undefined();
    // A descriptor that is no socket, or not open, does not listen either.
    bool known = getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0;
    return Napi::Boolean::New(info.Env(), known && listening != 0);
}

Napi::Value stop_reading(const Napi::CallbackInfo &info)
{
    int descriptor;
    if (!descriptor_argument(info, descriptor))
        return info.Env().Undefined();
    if (shutdown(descriptor, SHUT_RD) != 0)
        return fail(info.Env(), "SHUT_RD");
    return info.Env().Undefined();
}

Napi::Value harden(const Napi::CallbackInfo &info)
{
    const rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return fail(info.Env(), "RLIMIT_CORE");
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        return fail(info.Env(), "PR_SET_DUMPABLE");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(info.Env(), "PR_SET_NO_NEW_PRIVS");
    /* Node opens its debugger, to everybody on the host, to whoever may send this. */
    if (signal(SIGUSR1, SIG_IGN) == SIG_ERR)
        return fail(info.Env(), "SIGUSR1");
    return info.Env().Undefined();
}

Napi::Object initialise(Napi::Env env, Napi::Object exports)
{
    exports.Set("peerCredentials", Napi::Function::New(env, peer_credentials));
    exports.Set("isListeningSocket", Napi::Function::New(env, is_listening_socket));
    exports.Set("stopReading", Napi::Function::New(env, stop_reading));
    exports.Set("harden", Napi::Function::New(env, harden));
    return exports;
}

} // namespace

NODE_API_MODULE(mhsm_addon, initialise)
