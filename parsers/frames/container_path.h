/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_CONTAINER_PATH_H
#define RAINGAUGE_CONTAINER_PATH_H

#include "base/slice.h"

/* What the path of a container's log says:
 *     …/pods/NAMESPACE_POD_UID/CONTAINER/0.log           and its rotated 0.log.20260102-030405, 0.log.….gz
 *     …/containers/POD_NAMESPACE_CONTAINER-ID.log        (names hold no `_`)
 * Borrowed from the path. False, all empty: it is none of these. */
struct container_path {
    struct slice namespace_, pod, container, pod_uid;
};
bool container_path_read(struct slice path, struct container_path *ret);

#endif
