"""The real classes of trained trackers in tiny, with random weights; needs transformers."""

from __future__ import annotations

import torch

SIDE = 64
_WIDE = 128  # the memory's 64 channels are fixed, and pointers are split into several of them
_FEATURES = [[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2]
_PARTS = {
    "prompt_encoder_config": {"hidden_size": _WIDE, "image_size": SIDE, "patch_size": 16},
    "mask_decoder_config": {
        "hidden_size": _WIDE,
        "mlp_dim": 16,
        "num_attention_heads": 2,
        "iou_head_hidden_dim": 16,
    },
    "memory_attention_hidden_size": _WIDE,
    "memory_attention_num_layers": 1,
    "memory_encoder_hidden_size": _WIDE,
    "memory_attention_rope_feat_sizes": [4, 4],
    "mask_downsampler_embed_dim": _WIDE,
    "memory_fuser_embed_dim": _WIDE,
    "memory_fuser_intermediate_dim": 16,
    "memory_fuser_num_layers": 1,
    "image_size": SIDE,
}
_HIERA = {
    "model_type": "sam2_vision_model",
    "backbone_config": {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "image_size": [SIDE, SIDE],
        "blocks_per_stage": [1, 1, 1, 1],
        "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 1, 1, 1],
        "window_size_per_stage": [2, 2, 2, 2],
        "window_positional_embedding_background_size": [2, 2],
        "global_attention_blocks": [],
    },
    "backbone_channel_list": [64, 32, 16, 8],
    "backbone_feature_sizes": _FEATURES,
    "fpn_hidden_size": _WIDE,
}
_VIT = {
    "model_type": "sam3_vision_model",
    "backbone_config": {
        "model_type": "sam3_vit_model",
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": SIDE,
        "pretrain_image_size": SIDE,
        "patch_size": 16,
        "window_size": 2,
        "global_attn_indexes": [0],
    },
    "backbone_feature_sizes": _FEATURES,
    "fpn_hidden_size": _WIDE,
}


def tiny_tracker(kind):
    """Return a model of a kind with random weights; `sam2`, `edgetam` or `sam3`."""
    import transformers

    name = {"sam2": "Sam2Video", "edgetam": "EdgeTamVideo", "sam3": "Sam3TrackerVideo"}[kind]
    vision, parts = (_VIT if kind == "sam3" else _HIERA), dict(_PARTS)
    if kind == "edgetam":
        parts |= {"memory_attention_rope_k_sizes": [2, 2]}
        parts |= {"perceiver_resampler_num_latents": 4, "perceiver_resampler_num_latents_2d": 4}
    config = getattr(transformers, f"{name}Config")(vision_config=vision, **parts)
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        model = getattr(transformers, f"{name}Model")(config).eval()
    # at random it says that the object is not there, and every mask is empty
    model.mask_decoder.pred_obj_score_head.proj_out.bias.data.fill_(1)
    return model
