#include "frames/envelope.h"

#include "frames/frame_cri.h"
#include "frames/frame_docker.h"

static enum unwrap_result unwrap_none(struct arena *arena, struct slice line, struct frame *ret_frame)
{
    (void)arena;
    *ret_frame = (struct frame){.text = line, .bare = true};
    return UNWRAP_OK;
}

static enum unwrap_result unwrap_cri(struct arena *arena, struct slice line, struct frame *ret_frame)
{
    (void)arena;
    return frame_cri_read(line, ret_frame) ? UNWRAP_OK : UNWRAP_NOT_ONE;
}

static enum unwrap_result unwrap_docker(struct arena *arena, struct slice line, struct frame *ret_frame)
{
    return frame_docker_read(arena, line, ret_frame);
}

static enum unwrap_result unwrap_auto(struct arena *arena, struct slice line, struct frame *ret_frame)
{
    if (frame_cri_read(line, ret_frame))
        return UNWRAP_OK;
    enum unwrap_result result =
        frame_docker_looks_likely(line) ? frame_docker_read(arena, line, ret_frame) : UNWRAP_NOT_ONE;
    return result == UNWRAP_NOT_ONE ? unwrap_none(arena, line, ret_frame) : result;
}

enum unwrap_result envelope_take_off(enum envelope_kind envelope, struct arena *arena, struct slice line,
                                     struct frame *ret_frame)
{
    static enum unwrap_result (*const unwraps[])(struct arena *, struct slice, struct frame *) = {
        [ENVELOPE_NONE] = unwrap_none,
        [ENVELOPE_CRI] = unwrap_cri,
        [ENVELOPE_DOCKER] = unwrap_docker,
        [ENVELOPE_AUTO] = unwrap_auto,
    };
    return unwraps[envelope](arena, line, ret_frame);
}
