"""Reading and writing of clips, masks and flows.

`reading`, `video`
    `read_video`, `iter_video` and `video_info`; `write_video`.
`info`
    `VideoInfo`, the properties of a clip without its frames.
`opening`, `kinds`, `selecting`, `source`, `timeline`
    Files of any kind opened by their content, and the frames of them that are wanted.
`film`, `packets`, `decoding`, `orientation`, `colors`
    Video files: packets, upright RGB frames, colours.
`codecs`, `encoding`, `encoder`
    Writing of video files and animations: what formats hold, how a video is written, the encoder.
`sound`
    Sound, copied from file to file.
`pictures`
    Still and animated pictures.
`sequences`
    Folders of frames, and saved arrays.
`masks`, `flow`
    Masks and optical flow from files.
`fields`
    Fields of outputs, to rearrange other layers by.
"""
