# FROM as a C array in TO, NUL-terminated.
file(READ ${FROM} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
file(WRITE ${TO} "#include \"plugin/explorer.h\"\n\nconst unsigned char explorer_script[] = {\n${bytes}0};\n")
