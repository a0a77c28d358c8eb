"""Logits of both engines: llama.cpp's, through the public npm package node-llama-cpp, and ours."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "node_modules/node-llama-cpp"


def _peer_folder():
    """Where the package is: PEER_DIR, or ~/peer."""
    folder = os.path.abspath(os.path.expanduser(os.environ.get("PEER_DIR", "~/peer")))
    if not os.path.isdir(os.path.join(folder, PACKAGE)):
        sys.exit("error: llama.cpp's npm package is not in %s\n"
                 "       npm install --prefix %s node-llama-cpp, or set PEER_DIR to the folder that has it" %
                 (folder, folder))
    return folder


def _split(rows, texts):
    """[text][position][token] of all values in a row."""
    lengths = [len(tokens) for tokens in texts]
    return np.split(rows.reshape(sum(lengths), -1).astype(np.float64), np.cumsum(lengths)[:-1])


def llama_cpp(model, texts, **settings):
    """[text][position][token]

    @param settings  as peer_logits.mjs has them
    Raises CalledProcessError if llama.cpp refuses the model or a setting.
    """
    environment = dict(os.environ, PEER_DIR=_peer_folder())
    requests = [dict(settings, tokens=tokens) for tokens in texts]
    with tempfile.NamedTemporaryFile() as out:
        try:
            subprocess.run(["node", os.path.join(HERE, "peer_logits.mjs"), model, out.name], check=True,
                           input=json.dumps(requests).encode(), stdout=subprocess.DEVNULL, env=environment)
        except FileNotFoundError:
            sys.exit("error: node is needed to run llama.cpp's npm package; install nodejs 20 or later")
        return _split(np.fromfile(out.name, "<f4"), texts)


def conclave(runner, model, texts):
    """[text][position][token], by tests/text_runner of a build."""
    lines = "".join(json.dumps({"tokens": tokens}) + "\n" for tokens in texts)
    raw = subprocess.run([runner, "logits", model], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    columns = json.loads(raw[raw.rindex(b"{"):])["columns"]
    rows, at = [], 0
    for tokens in texts:  # a line of JSON after each
        size = len(tokens) * columns * 4
        rows.append(np.frombuffer(raw[at:at + size], "<f4"))
        at = raw.index(b"\n", at + size) + 1
    return _split(np.concatenate(rows), texts)


def quantize(runner, source, target, kind):
    """As `conclave quantize`, by tests/text_runner of a build."""
    request = json.dumps({"in": source, "out": target, "type": kind}) + "\n"
    done = subprocess.run([runner, "quantize"], input=request.encode(), stdout=subprocess.PIPE, check=True).stdout
    if b"error" in done:
        sys.exit(done.decode())
