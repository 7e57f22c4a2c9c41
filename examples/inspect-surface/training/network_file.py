"""The network as an ONNX file, and an answer of it that whoever uses it must get too."""

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from figures import softmax
from surface_network import DEVIATION, MEAN, WIDTHS, normalise
from surface_pictures import LABELS, SIDE, pattern


def export(model, whitening):
    """The file of the network: batch normalisation folded into the convolutions, so that it is plain operators."""
    nodes, constants, value = [], [], "image"

    def constant(name, data):
        constants.append(numpy_helper.from_array(np.asarray(data, dtype=np.float32), name))
        return name

    convolutions = [layer for layer in model if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in model if isinstance(layer, nn.BatchNorm2d)]
    for index, (layer, norm) in enumerate(zip(convolutions, norms)):
        scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().numpy().astype(np.float64)
        weight = layer.weight.detach().numpy() * scale[:, None, None, None]
        bias = norm.bias.detach().numpy() - norm.running_mean.numpy() * scale
        inputs = [value, constant(f"weight{index}", weight), constant(f"bias{index}", bias)]
        nodes.append(
            helper.make_node(
                "Conv", inputs, [f"conv{index}"], kernel_shape=[3, 3], pads=[1] * 4, strides=list(layer.stride)
            )
        )
        nodes.append(helper.make_node("Relu", [f"conv{index}"], [f"relu{index}"]))
        value = f"relu{index}"
    last = model[-1]
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["average"]))
    nodes.append(helper.make_node("GlobalMaxPool", [value], ["maximum"]))
    nodes.append(helper.make_node("Concat", ["average", "maximum"], ["both"], axis=1))
    nodes.append(helper.make_node("Flatten", ["both"], ["pooled"]))
    weight, bias = constant("weight", last.weight.detach().numpy()), constant("bias", last.bias.detach().numpy())
    nodes.append(helper.make_node("Gemm", ["pooled", weight, bias], ["logits"], transB=1))
    centre, directions = whitening
    nodes.append(helper.make_node("Sub", ["pooled", constant("centre", centre)], ["away"]))
    nodes.append(helper.make_node("MatMul", ["away", constant("directions", directions)], ["seen"]))
    graph = helper.make_graph(
        nodes,
        "surface-picture",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, SIDE, SIDE])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(LABELS)]),
            helper.make_tensor_value_info("seen", TensorProto.FLOAT, ["batch", 2 * WIDTHS[-1]]),
        ],
        constants,
    )
    file = helper.make_model(graph, producer_name="dinrail", ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    file.doc_string = f"Which defect a picture of a steel surface shows; grey in 0 to 1, then {MEAN} subtracted, divided by {DEVIATION}."
    onnx.checker.check_model(file)
    return file.SerializeToString(deterministic=True)


def answers_of(content, images):
    """The logits of a file, as another program would get them."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": normalise(images).numpy()})
    return logits.astype(np.float64)


def golden_of(content, temperature):
    probabilities = softmax(answers_of(content, pattern()), temperature)[0]
    return [{"output": [float(f"{value:.6g}") for value in probabilities], "tolerance": 0.001}]
