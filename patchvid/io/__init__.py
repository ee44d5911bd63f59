"""Reading and writing of clips, masks and flows.

`video`
    `read_video` and `write_video`, which choose one of the next three by the name of the file.
`info`
    `VideoInfo`, the properties of a clip without its frames.
`ffmpeg`
    Video files: codecs, frame rates, and the display rotation of phones.
`pictures`
    Still and animated pictures.
`sequences`
    Folders of frames, and saved arrays.
`masks`, `flow`
    Masks and optical flow from files.
`fields`
    Fields of outputs, to rearrange other layers by.
"""
