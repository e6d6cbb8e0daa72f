#!/bin/sh
# libraries.sh BUILD: what each process may have in its address space (ARCHITECTURE.md, Processes).
set -eu
build=$1
failed=0

# keeps FILE PATTERN: no library that matches PATTERN is loaded with FILE.
keeps() {
  if [ ! -e "$1" ]; then
    echo "no file $1"
    failed=1
  elif found=$(ldd "$1" | grep -E "$2"); then
    echo "$1 loads"
    echo "$found"
    failed=1
  fi
}

keeps "$build/service/axnoded" 'libpq|dcm|onnxruntime|tesseract|lept|cairo'
keeps "$build/service/axnode-role-receiver.so" 'libpq|onnxruntime|tesseract|lept|cairo'
keeps "$build/service/axnode-role-indexer.so" 'onnxruntime|tesseract|lept|cairo'
keeps "$build/service/axnode-role-sender.so" 'onnxruntime|tesseract|lept|cairo'
keeps "$build/service/axnode-role-metrics.so" 'dcm|onnxruntime|tesseract|lept|cairo'
if [ -e "$build/plugin/libOrthancAxnode.so" ]; then # where Orthanc's SDK is
  keeps "$build/plugin/libOrthancAxnode.so" 'libpq|dcm|onnxruntime|tesseract|lept|cairo|systemd'
fi
exit $failed
