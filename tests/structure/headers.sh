#!/bin/sh
# Compile each public header alone.
cd "$1" || exit 1
status=0
for header in base/*.h image/*.h model/*.h model/*/*.h store/*.h dicom/*.h db/*.h report/*.h \
  pipeline/*.h phantom/*.h service/*.h plugin/*.h; do
  [ -e "$header" ] || continue
  if grep -q '<orthanc/' "$header" && [ ! -e /usr/include/orthanc/OrthancCPlugin.h ]; then
    continue # the plugin is not built either
  fi
  echo "#include \"$header\"" |
    "$2" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -I. -fsyntax-only -x c - || status=1
done
exit $status
