"""Reading and writing of clips, masks and flows.

`reading`, `writing`
    `read_video`, `iter_video` and `video_info`; `write_video`.
`info`
    `VideoInfo`, the properties of a clip without its frames.
`opening`, `file_kinds`, `selecting`, `source`, `timeline`, `problems`
    Files of any kind: opened by their content, the requested frames read, errors reported.
`film`, `packets`, `truncation`, `decoding`, `orientation`, `colors`
    Video files: packets, missing ends, upright RGB frames, colours.
`codecs`, `encoding`, `encoder`
    Writing of video files and animations: what formats hold, how a video is written, the encoder.
`sound`
    Sound, copied from file to file.
`pictures`, `gif`, `deep_pictures`, `exr`, `stills`
    Still and animated pictures; GIF as browsers show it; 16 bits, floats and OpenEXR; formats
    written picture by picture.
`sequences`
    Folders of frames, and saved arrays.
`masks`, `flow`
    Masks and optical flow from files.
`fields`
    Fields of outputs, to rearrange other layers by.
"""
