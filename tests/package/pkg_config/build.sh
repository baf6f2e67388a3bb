#!/bin/sh
# build.sh SOURCE OUTPUT MODULE…: what a Makefile would do.
set -eu
source=$1 output=$2
shift 2
c++ -std=c++20 $(pkg-config --cflags "$@") "$source" -o "$output" $(pkg-config --libs "$@")
