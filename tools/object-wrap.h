// Included before everything when native modules are compiled. From 24.19 on, Node's ObjectWrap removes a clean-up hook
// when an object is collected, outside of any context, and that aborts the process: better-sqlite3 12 dies with the
// first prepared statement that is collected. Without the hooks ObjectWrap is what it was before.
// better-sqlite3 13 has no ObjectWrap, but needs Node 22. @see https://github.com/nodejs/node/issues/65446
#ifndef NAPI_VERSION // Modules that speak Node-API have no ObjectWrap.
#include <node.h>
#define AddEnvironmentCleanupHook(...) static_cast<void>(0)
#define RemoveEnvironmentCleanupHook(...) static_cast<void>(0)
#include <node_object_wrap.h>
#undef AddEnvironmentCleanupHook
#undef RemoveEnvironmentCleanupHook
#endif
