# SPDX-License-Identifier: MIT
"""TensorFlow and Keras: decoding by tf.io, and the loading of a folder. TensorFlow is libjpeg-turbo with the fast
inverse DCT, unless it is asked for the accurate one."""

import os

import numpy

from programs import ProgramTest, needs

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
try:
    import keras
    import tensorflow
except ImportError:  # needs() says so
    pass

FAST_BOUND = 10  # of one sample, by the fast inverse DCT
SIDE = 40


class Keras(ProgramTest):
    def fast_bound(self, face):
        return FAST_BOUND if face == "jpeg" else 0

    def test_decode_image(self):
        def check(design, face):
            for name in self.images:
                pixels = tensorflow.io.decode_image(tensorflow.io.read_file(str(self.point / name)), channels=3)
                self.assert_pixels(pixels.numpy(), self.pixels_of(name, design), self.fast_bound(face), name)

        self.on_each(check)

    def test_decode_jpeg(self):
        def check(design, face):
            for name in self.jpegs:
                pixels = tensorflow.io.decode_jpeg(tensorflow.io.read_file(str(self.point / name)), channels=3,
                                                   dct_method="INTEGER_ACCURATE")
                self.assert_pixels(pixels.numpy(), self.pixels_of(name, design), self.bound(design, face), name)

        self.on_each(check, faces=("jpeg",))

    def test_folder(self):
        """Images come in one size: what is expected is resized in the same way."""
        def check(design, face):
            data = keras.utils.image_dataset_from_directory(self.point / "train", batch_size=None, shuffle=False,
                                                            image_size=(SIDE, SIDE), verbose=False)
            self.assertEqual(data.class_names, ["bark", "brick", "odd"])
            names = [os.path.relpath(path, self.point) for path in data.file_paths]
            self.assertEqual(sorted(names), sorted(name for name in self.images if name.startswith("train/")))
            for name, (image, label) in zip(names, data, strict=True):
                self.assertEqual(data.class_names[int(label)], name.split("/")[1])
                expected = tensorflow.image.resize(self.pixels_of(name, design), (SIDE, SIDE)).numpy()
                furthest = numpy.abs(image.numpy() - expected).max()
                self.assertLessEqual(furthest, self.fast_bound(face) + 0.001, name)

        self.on_each(check)


if __name__ == "__main__":
    needs(("import tensorflow", "tensorflow-cpu of PyPI"), ("import keras", "tensorflow-cpu of PyPI"))
