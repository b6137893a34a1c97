"""Small inpainting models as ONNX files, built here so that every answer is known."""

from __future__ import annotations

import onnx
from onnx import TensorProto
from onnx import helper as make

OPSET, IR_VERSION = 17, 8
SHIFT = 16
TYPES = {
    "float": TensorProto.FLOAT,
    "half": TensorProto.FLOAT16,
    "double": TensorProto.DOUBLE,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
    "int64": TensorProto.INT64,
}


def save_model(
    path,
    *,
    fill="mean",
    size=(None, None),
    last=False,
    types=("float", "float", "float"),
    takes=(0.0, 1.0),
    gives=(0.0, 1.0),
    white=1.0,
    inverted=False,
    names=("image", "mask"),
    metadata=(),
    fault="",
):
    """Save a model; returns the path.

    fill: what comes into the hole: "mean" of the known pixels of each colour, "shift", the pixels
        16 columns to the right, or "same", what the picture has there.
    size: (height, width), None takes any.
    last: channels last.
    types: of picture, mask and output.
    takes, gives: numbers for black and white of the picture and of the output.
    white: number for 1 in the mask.
    inverted: 1 in the mask is known.
    fault: "size", "nan", "negative" (of the known part) or "three inputs".
    """
    nodes, constants = [], []

    def constant(value, dims=()):
        name = f"c{len(constants)}"
        values = value if dims else [value]
        kind = TensorProto.INT64 if dims else TensorProto.FLOAT
        constants.append(make.make_tensor(name, kind, dims, values))
        return name

    def node(kind, *inputs, **attributes):
        name = f"n{len(nodes)}"
        nodes.append(make.make_node(kind, inputs, [name], **attributes))
        return name

    def scaled(value, low, high):
        return node("Add", node("Mul", value, constant(high - low)), constant(low))

    picture, mask = (node("Cast", name, to=TensorProto.FLOAT) for name in names)
    low, high = takes
    x = node("Div", node("Sub", picture, constant(low)), constant(high - low))
    hole = node("Div", mask, constant(white))
    if inverted:
        hole = node("Sub", constant(1.0), hole)
    known = node("Sub", constant(1.0), hole)
    sides = constant([1, 2] if last else [2, 3], [2])
    if fill == "mean":
        total = node("ReduceSum", node("Mul", x, known), sides, keepdims=1)
        made = node("Div", total, node("ReduceSum", known, sides, keepdims=1))
    elif fill == "same":
        made = x
    else:
        axis = constant([2 if last else 3], [1])
        at, end = constant([SHIFT], [1]), constant([2**31], [1])
        right = node("Slice", x, at, end, axis)
        left = node("Slice", x, constant([0], [1]), at, axis)
        made = node("Concat", right, left, axis=2 if last else 3)
    kept = node("Sub", constant(1.0), x) if fault == "negative" else x
    y = node("Add", node("Mul", kept, known), node("Mul", made, hole))
    if fault == "nan":
        y = node("Sqrt", node("Sub", y, constant(9.0)))
    y = scaled(y, *gives)
    if fault == "size":
        y = node("Concat", y, y, axis=2)
    y = node("Cast", y, to=TYPES[types[2]])
    nodes.append(make.make_node("Identity", [y], ["output"]))

    def shaped(channels, sides):
        height, width = (side or name for side, name in zip(sides, ("h", "w"), strict=True))
        return [1, height, width, channels] if last else [1, channels, height, width]

    inputs = [
        make.make_tensor_value_info(name, TYPES[kind], shaped(channels, size))
        for name, kind, channels in zip(names, types[:2], (3, 1), strict=True)
    ]
    if fault == "three inputs":
        inputs.append(make.make_tensor_value_info("prompt", TensorProto.FLOAT, [1, 77]))
    out = make.make_tensor_value_info("output", TYPES[types[2]], [None] * 4)
    graph = make.make_graph(nodes, "inpainting", inputs, [out], constants)
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    make.set_model_props(model, dict(metadata))
    onnx.save(model, str(path))
    return path
