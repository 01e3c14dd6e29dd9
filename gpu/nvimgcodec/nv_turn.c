/* SPDX-License-Identifier: MIT */
#include "nv_turn_priv.h"

struct nv_turn nv_turn_of_exif(unsigned orientation)
{
	/* EXIF 2.3, tag 0x0112: which edges of the display the first row and the first column are. */
	static const struct nv_turn turns[] = {
	        [2] = {false, true, false}, [3] = {false, true, true}, [4] = {false, false, true},
	        [5] = {true, false, false}, [6] = {true, true, false}, [7] = {true, true, true},
	        [8] = {true, false, true},
	};

	return orientation < sizeof turns / sizeof *turns ? turns[orientation] : turns[0];
}

nvimgcodecOrientation_t nv_turn_to_orientation(struct nv_turn turn)
{
	/* A quarter turn to the left transposes and then mirrors top to bottom; both mirrors are half a turn. */
	bool flip_y = turn.transposed ? !turn.flip_y : turn.flip_y;
	bool half = turn.flip_x && flip_y;

	return (nvimgcodecOrientation_t){
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_ORIENTATION,
	        .struct_size = sizeof(nvimgcodecOrientation_t),
	        .rotated = (turn.transposed ? 90 : 0) + (half ? 180 : 0),
	        .flip_x = turn.flip_x && !half,
	        .flip_y = flip_y && !half,
	};
}

struct nv_turn nv_turn_of_orientation(const nvimgcodecOrientation_t *orientation)
{
	struct nv_turn turn = {.flip_x = orientation->flip_x != 0, .flip_y = orientation->flip_y != 0};

	turn.transposed = orientation->rotated == 90 || orientation->rotated == 270;
	if (orientation->rotated == 180 || orientation->rotated == 270)
		turn.flip_x = !turn.flip_x;
	if (orientation->rotated == 180 || orientation->rotated == 90)
		turn.flip_y = !turn.flip_y;
	return turn;
}
