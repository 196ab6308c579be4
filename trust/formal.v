(* What one step of BNGD does, and what follows for all steps, proved by Coq from its axioms of the real numbers.

   Everything stands in the eigenbasis of H, where H w is (l_i w_i), for any number d of coordinates, any eigenvalues
   at least l_1 > 0, any u, any rates and any start but zero; the last two parts are about a normalized layer and
   the normalized logits of any network. Nothing rounds: these are statements about real numbers.
   Checked by `make formal`. *)

From Coq Require Import Reals Lra Psatz Lia.
Open Scope R_scope.

(* --- finite sums --------------------------------------------------------------------------------------------- *)

Fixpoint sum (n : nat) (f : nat -> R) : R :=
  match n with O => 0 | S m => sum m f + f m end.

Lemma sum_ext n f h : (forall i, (i < n)%nat -> f i = h i) -> sum n f = sum n h.
Proof. induction n; intros E; simpl; [reflexivity|]. rewrite IHn, E; auto. Qed.

Lemma sum_lin n a b f h : sum n (fun i => a * f i + b * h i) = a * sum n f + b * sum n h.
Proof. induction n; simpl; [ring|]. rewrite IHn. ring. Qed.

Lemma sum_le n f h : (forall i, (i < n)%nat -> f i <= h i) -> sum n f <= sum n h.
Proof.
  induction n; intros L; simpl; [lra|].
  apply Rplus_le_compat; [apply IHn; auto | apply L; auto].
Qed.

Lemma sum_scal n a f : sum n (fun i => a * f i) = a * sum n f.
Proof. induction n; simpl; [ring|]. rewrite IHn. ring. Qed.

Lemma sum_nonneg n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= sum n f.
Proof.
  intros P. replace 0 with (sum n (fun _ => 0)); [apply sum_le; auto|].
  clear P. induction n; simpl; [reflexivity|]. rewrite IHn. ring.
Qed.

Section BNGD.

(* --- the problem, and one step ------------------------------------------------------------------------------- *)

Variables (d : nat) (l u : nat -> R) (l1 : R).
Hypothesis l1_positive : 0 < l1.
Hypothesis l_above : forall i, (i < d)%nat -> l1 <= l i.

Definition dot (x y : nat -> R) := sum d (fun i => x i * y i).
Definition hdot (x y : nat -> R) := sum d (fun i => l i * x i * y i).
Definition g i := l i * u i.
Definition s w := sqrt (hdot w w).
Definition p w := dot w g / s w.                    (* the best a *)
Definition q w := dot w g / hdot w w.
Definition e w i := u i - q w * w i.                (* the residual *)
Definition loss a w := (hdot u u - 2 * a * (dot w g / s w) + a * a) / 2.  (* J - J_min *)

Variables (lr lr_a : R).
Definition next_w a w i := w i + lr * (a / s w) * (g i - q w * (l i * w i)).
Definition next_a a w := a + lr_a * (p w - a).
Definition eff a w := lr * (a / s w) * q w.         (* the effective step *)

Lemma hdot_nonneg x : 0 <= hdot x x.
Proof. apply sum_nonneg. intros i B. specialize (l_above i B). nra. Qed.

Lemma hdot_positive w : 0 < dot w w -> 0 < hdot w w.
Proof.
  intros P. apply Rlt_le_trans with (l1 * dot w w); [nra|].
  unfold dot, hdot. rewrite <- sum_scal. apply sum_le.
  intros i B. specialize (l_above i B). nra.
Qed.

Lemma s_squared w : s w * s w = hdot w w.
Proof. apply sqrt_sqrt, hdot_nonneg. Qed.

Lemma s_positive w : 0 < dot w w -> 0 < s w.
Proof. intros P. apply sqrt_lt_R0, hdot_positive, P. Qed.

Lemma gradient_is_He a w i : next_w a w i = w i + lr * (a / s w) * (l i * e w i).
Proof. unfold next_w, e, g. ring. Qed.

(* --- 1. the gradient is orthogonal to the weights, so that their norm grows by its square ---------------------- *)

Theorem orthogonality w : 0 < dot w w -> dot w (fun i => l i * e w i) = 0.
Proof.
  intros P. apply hdot_positive in P. unfold dot.
  rewrite (sum_ext _ _ (fun i => 1 * (w i * g i) + - q w * (l i * w i * w i)))
    by (intros; unfold e, g; ring).
  rewrite sum_lin. fold (dot w g) (hdot w w). unfold q. field. lra.
Qed.

Theorem norm_growth a w : 0 < dot w w ->
  dot (next_w a w) (next_w a w)
  = dot w w + (lr * (a / s w)) ^ 2 * dot (fun i => l i * e w i) (fun i => l i * e w i).
Proof.
  intros P. pose proof (orthogonality w P) as O. set (c := lr * (a / s w)). unfold dot at 1.
  rewrite (sum_ext _ _ (fun i =>
    1 * (1 * (w i * w i) + 2 * c * (w i * (l i * e w i))) + c ^ 2 * ((l i * e w i) * (l i * e w i))))
    by (intros; rewrite gradient_is_He; fold c; ring).
  rewrite !sum_lin. unfold dot in O |- *. rewrite O. ring.
Qed.

(* ||grad_w J||^2, of the loss below. *)
Definition force a w := (a / s w) ^ 2 * dot (fun i => l i * e w i) (fun i => l i * e w i).

Lemma growth_by_force a w : 0 < dot w w -> dot (next_w a w) (next_w a w) = dot w w + lr ^ 2 * force a w.
Proof. intros P. rewrite (norm_growth a w P). unfold force. ring. Qed.

Corollary norm_never_falls a w : 0 < dot w w -> dot w w <= dot (next_w a w) (next_w a w).
Proof.
  intros P. rewrite (norm_growth a w P).
  assert (0 <= dot (fun i => l i * e w i) (fun i => l i * e w i))
    by (apply sum_nonneg; intros; nra).
  pose proof (pow2_ge_0 (lr * (a / s w))). nra.
Qed.

(* --- 2. the loss is (a - p)^2/2 + ||e||_H^2/2, and p the only best a ------------------------------------------ *)

Lemma distance_to_line c v : 0 < dot v v ->
  hdot (fun i => u i - c * v i) (fun i => u i - c * v i)
  = hdot (e v) (e v) + (c * s v - p v) ^ 2.
Proof.
  assert (forall k, hdot (fun i => u i - k * v i) (fun i => u i - k * v i)
    = hdot u u - 2 * k * dot v g + k * k * hdot v v) as Q.
  { intros k. unfold hdot at 1.
    rewrite (sum_ext _ _ (fun i =>
      1 * (1 * (l i * u i * u i) + - (2 * k) * (v i * g i)) + k * k * (l i * v i * v i)))
      by (intros; unfold g; ring).
    rewrite !sum_lin. fold (hdot u u) (dot v g) (hdot v v). ring. }
  intros P. pose proof (s_positive v P). change (e v) with (fun i => u i - q v * v i).
  rewrite !Q. unfold p, q. rewrite <- (s_squared v). field. lra.
Qed.

Lemma explained w : 0 < dot w w -> hdot u u = p w ^ 2 + hdot (e w) (e w).
Proof.
  intros P. pose proof (distance_to_line 0 w P) as D. unfold hdot at 1 in D.
  rewrite (sum_ext _ _ (fun i => l i * u i * u i)) in D by (intros; ring).
  fold (hdot u u) in D. rewrite D. ring.
Qed.

Theorem decomposition a w : 0 < dot w w -> loss a w = (a - p w) ^ 2 / 2 + hdot (e w) (e w) / 2.
Proof.
  intros P. unfold loss. rewrite (explained w P). fold (p w). field.
Qed.

Corollary best_a a w : 0 < dot w w -> loss (p w) w <= loss a w.
Proof.
  intros P. rewrite !decomposition by assumption. pose proof (pow2_ge_0 (a - p w)). nra.
Qed.

Corollary only_best_a a w : 0 < dot w w -> loss a w = loss (p w) w -> a = p w.
Proof.
  intros P. rewrite !decomposition by assumption. intros. nra.
Qed.

(* --- 3. contraction: ||e+||_H <= rho ||e||_H for every rho >= |1 - eff l_i| ------------------------------------ *)

Theorem contraction a w rho : 0 < dot w w ->
  (forall i, (i < d)%nat -> Rabs (1 - eff a w * l i) <= rho) ->
  hdot (e (next_w a w)) (e (next_w a w)) <= rho ^ 2 * hdot (e w) (e w).
Proof.
  intros P B. pose proof (norm_never_falls a w P).
  assert (0 < dot (next_w a w) (next_w a w)) as P' by lra.
  apply Rle_trans with (hdot (fun i => u i - q w * next_w a w i) (fun i => u i - q w * next_w a w i)).
  - rewrite (distance_to_line (q w) _ P'). pose proof (pow2_ge_0 (q w * s (next_w a w) - p (next_w a w))). lra.
  - unfold hdot. rewrite <- sum_scal. apply sum_le. intros i Bi. specialize (l_above i Bi).
    replace (u i - q w * next_w a w i) with ((1 - eff a w * l i) * e w i)
      by (rewrite gradient_is_He; unfold e, eff; ring).
    assert ((1 - eff a w * l i) ^ 2 <= rho ^ 2)
      by (rewrite <- (pow2_abs (1 - eff a w * l i)); apply pow_incr; split; [apply Rabs_pos | auto]).
    assert (0 <= l i * (e w i * e w i)) by (apply Rmult_le_pos; nra). nra.
Qed.

(* --- 4. all steps: no weight shrinks, and a stays within a bound that eps does not enter ---------------------- *)

Variables (a0 : R) (w0 : nat -> R).
Hypothesis w0_not_zero : 0 < dot w0 w0.

Fixpoint run k : R * (nat -> R) :=
  match k with
  | O => (a0, w0)
  | S j => (next_a (fst (run j)) (snd (run j)), next_w (fst (run j)) (snd (run j)))
  end.

Theorem weights_never_shrink k : dot w0 w0 <= dot (snd (run k)) (snd (run k)).
Proof.
  induction k; simpl; [lra|].
  pose proof (norm_never_falls (fst (run k)) (snd (run k))) as N. lra.
Qed.

Theorem gradient_budget k :
  2 * lr ^ 2 * sum k (fun j => dot (snd (run j)) (snd (run j)) * force (fst (run j)) (snd (run j)))
  <= dot (snd (run k)) (snd (run k)) ^ 2 - dot w0 w0 ^ 2.
Proof.
  induction k; cbn [sum run fst snd]; [lra|].
  pose proof (weights_never_shrink k) as W.
  assert (0 < dot (snd (run k)) (snd (run k))) as P by lra.
  rewrite (growth_by_force _ _ P).
  set (N := dot (snd (run k)) (snd (run k))) in *. set (F := force (fst (run k)) (snd (run k))).
  match type of IHk with _ * ?S <= _ => set (T := S) in * end.
  replace (2 * lr ^ 2 * (T + N * F)) with (2 * lr ^ 2 * T + 2 * N * (lr ^ 2 * F)) by ring.
  replace ((N + lr ^ 2 * F) ^ 2) with (N ^ 2 + 2 * N * (lr ^ 2 * F) + (lr ^ 2 * F) ^ 2) by ring.
  pose proof (pow2_ge_0 (lr ^ 2 * F)). lra.
Qed.

Lemma best_scale_bounded w : 0 < dot w w -> Rabs (p w) <= sqrt (hdot u u).
Proof.
  intros P. rewrite <- sqrt_Rsqr_abs. apply sqrt_le_1_alt. unfold Rsqr. rewrite (explained w P).
  pose proof (hdot_nonneg (e w)). nra.
Qed.

Theorem a_bounded k A : 0 < lr_a < 2 -> Rabs a0 <= A ->
  lr_a * sqrt (hdot u u) <= (1 - Rabs (1 - lr_a)) * A -> Rabs (fst (run k)) <= A.
Proof.
  intros R A0 E. induction k; simpl; [assumption|].
  pose proof (weights_never_shrink k) as W. set (w := snd (run k)) in *. set (a := fst (run k)) in *.
  assert (0 < dot w w) as P by lra.
  pose proof (best_scale_bounded w P).
  unfold next_a. replace (a + lr_a * (p w - a)) with ((1 - lr_a) * a + lr_a * p w) by ring.
  apply Rle_trans with (Rabs ((1 - lr_a) * a) + Rabs (lr_a * p w)); [apply Rabs_triang|].
  rewrite !Rabs_mult, (Rabs_pos_eq lr_a) by lra.
  assert (Rabs (1 - lr_a) * Rabs a <= Rabs (1 - lr_a) * A)
    by (apply Rmult_le_compat_l; [apply Rabs_pos | assumption]).
  assert (lr_a * Rabs (p w) <= lr_a * sqrt (hdot u u)) by (apply Rmult_le_compat_l; lra).
  lra.
Qed.

(* --- 5. the scale's own time: no step size of the weights makes the loss fall faster ---------------------------- *)

Lemma scale_waits k : 0 < lr_a <= 1 ->
  (1 - lr_a) ^ k * (sqrt (hdot u u) - Rabs a0) <= sqrt (hdot u u) - Rabs (fst (run k)).
Proof.
  intros R. induction k; simpl; [lra|].
  pose proof (weights_never_shrink k) as W. set (w := snd (run k)) in *. set (a := fst (run k)) in *.
  assert (0 < dot w w) as P by lra. pose proof (best_scale_bounded w P).
  assert (Rabs (next_a a w) <= (1 - lr_a) * Rabs a + lr_a * Rabs (p w)).
  { unfold next_a. replace (a + lr_a * (p w - a)) with ((1 - lr_a) * a + lr_a * p w) by ring.
    eapply Rle_trans; [apply Rabs_triang|].
    rewrite !Rabs_mult, (Rabs_pos_eq lr_a), (Rabs_pos_eq (1 - lr_a)) by lra. lra. }
  assert (lr_a * Rabs (p w) <= lr_a * sqrt (hdot u u)) by (apply Rmult_le_compat_l; lra).
  match type of IHk with ?M <= _ => assert ((1 - lr_a) * M <= (1 - lr_a) * (sqrt (hdot u u) - Rabs a))
    by (apply Rmult_le_compat_l; lra) end.
  lra.
Qed.

Theorem own_time k : 0 < lr_a <= 1 -> Rabs a0 <= sqrt (hdot u u) ->
  ((1 - lr_a) ^ k * (sqrt (hdot u u) - Rabs a0)) ^ 2 / 2 <= loss (fst (run k)) (snd (run k)).
Proof.
  intros R A. pose proof (scale_waits k R) as S. pose proof (weights_never_shrink k) as W.
  set (w := snd (run k)) in *. set (a := fst (run k)) in *.
  assert (0 < dot w w) as P by lra. pose proof (best_scale_bounded w P) as B.
  pose proof (sqrt_sqrt _ (hdot_nonneg u)) as Q. set (c := sqrt (hdot u u)) in *.
  assert (0 <= (1 - lr_a) ^ k * (c - Rabs a0)) by (apply Rmult_le_pos; [apply pow_le|]; lra).
  assert (a * p w <= Rabs a * c).
  { apply Rle_trans with (Rabs (a * p w)); [apply Rle_abs|].
    rewrite Rabs_mult. apply Rmult_le_compat_l; [apply Rabs_pos | assumption]. }
  assert (((1 - lr_a) ^ k * (c - Rabs a0)) ^ 2 <= (c - Rabs a) ^ 2) by (apply pow_incr; lra).
  assert (Rabs a ^ 2 = a ^ 2) by apply pow2_abs.
  unfold loss. fold (p w). rewrite <- Q. nra.
Qed.

End BNGD.

(* --- 6. a scaling law: weights gamma times as large, steps gamma^2 times as large ------------------------------ *)

Theorem scaling d l u l1 lr a w c i : 0 < l1 -> (forall j, (j < d)%nat -> l1 <= l j) -> 0 < c -> 0 < dot d w w ->
  next_w d l u (c * c * lr) a (fun j => c * w j) i = c * next_w d l u lr a w i.
Proof.
  intros L1 L C P.
  assert (hdot d l (fun j => c * w j) (fun j => c * w j) = c * c * hdot d l w w) as H2
    by (unfold hdot; rewrite <- sum_scal; apply sum_ext; intros; ring).
  assert (dot d (fun j => c * w j) (g l u) = c * dot d w (g l u)) as G
    by (unfold dot; rewrite <- sum_scal; apply sum_ext; intros; ring).
  assert (s d l (fun j => c * w j) = c * s d l w) as S.
  { unfold s. rewrite H2, sqrt_mult_alt, sqrt_square by nra. reflexivity. }
  pose proof (hdot_positive d l l1 L1 L w P). pose proof (s_positive d l l1 L1 L w P).
  unfold next_w, q. rewrite H2, G, S. field. lra.
Qed.

(* --- 7. any normalized layer: what follows from the growth of its norm alone, the tent and how long it stands --- *)

Section Layer.

Variables (lr : R) (n gamma : nat -> R).  (* squared norms ||W_k||^2, and gradients on the unit sphere *)
Hypothesis n0_positive : 0 < n O.
Hypothesis grows : forall k, n (S k) = n k + lr ^ 2 * gamma k ^ 2 / n k.

Lemma layer_grows k : 0 < n k <= n (S k).
Proof.
  induction k as [|k [P L]].
  - split; [assumption|]. rewrite (grows 0).
    assert (0 <= lr ^ 2 * gamma 0%nat ^ 2 / n 0%nat) by (apply Rle_mult_inv_pos; [nra | assumption]). lra.
  - assert (0 < n (S k)) as Q by lra. split; [assumption|]. rewrite (grows (S k)).
    assert (0 <= lr ^ 2 * gamma (S k) ^ 2 / n (S k)) by (apply Rle_mult_inv_pos; [nra | assumption]). lra.
Qed.

Theorem layer_tent x : 0 < lr -> 0 < gamma O -> x = lr * gamma O / n O -> lr / n 1%nat = / (gamma O * (x + / x)).
Proof.
  intros L G ->. rewrite (grows 0). field. repeat split; try lra. nra.
Qed.

Theorem layer_growth k G : (forall j, (1 <= j <= k)%nat -> Rabs (gamma j) <= G) ->
  n 1%nat <= n (S k) <= n 1%nat * (1 + INR k * (G * (lr / n 1%nat)) ^ 2).
Proof.
  pose proof (layer_grows 1) as [P _]. induction k as [|k IH]; intros B.
  - simpl. lra.
  - destruct IH as [A U]; [intros j J; apply B; lia|]. pose proof (layer_grows (S k)) as [Q L]. split; [lra|].
    rewrite (grows (S k)), S_INR.
    assert (gamma (S k) ^ 2 <= G ^ 2).
    { rewrite <- (pow2_abs (gamma (S k))). apply pow_incr. split; [apply Rabs_pos | apply B; lia]. }
    assert (lr ^ 2 * gamma (S k) ^ 2 / n (S k) <= lr ^ 2 * G ^ 2 / n 1%nat).
    { apply Rmult_le_compat; [nra | left; apply Rinv_0_lt_compat; assumption | nra | apply Rinv_le_contravar; lra]. }
    replace (n 1%nat * (1 + (INR k + 1) * (G * (lr / n 1%nat)) ^ 2))
      with (n 1%nat * (1 + INR k * (G * (lr / n 1%nat)) ^ 2) + lr ^ 2 * G ^ 2 / n 1%nat) by (field; lra).
    lra.
Qed.

End Layer.

(* --- the floor of the cross-entropy under normalized logits --------------------------------------------------- *)

Lemma sum_plus n f h : sum n (fun i => f i + h i) = sum n f + sum n h.
Proof. induction n; simpl; [ring|]. rewrite IHn. ring. Qed.

Lemma sum_const n c : sum n (fun _ => c) = INR n * c.
Proof. induction n; [simpl; ring|]. cbn [sum]. rewrite IHn, S_INR. ring. Qed.

Lemma sum_swap n m f : sum n (fun i => sum m (fun j => f i j)) = sum m (fun j => sum n (fun i => f i j)).
Proof. induction n; simpl; [rewrite sum_const; ring|]. rewrite IHn, <- sum_plus. reflexivity. Qed.

Lemma cauchy n f h : sum n (fun i => f i * h i) ^ 2 <= sum n (fun i => f i ^ 2) * sum n (fun i => h i ^ 2).
Proof.
  set (X := sum n (fun i => f i * h i)). set (F := sum n (fun i => f i ^ 2)). set (H := sum n (fun i => h i ^ 2)).
  assert (E : forall t, 0 <= F - 2 * t * X + t ^ 2 * H).
  { intros t. replace (F - 2 * t * X + t ^ 2 * H) with (sum n (fun i => (f i - t * h i) ^ 2)).
    - apply sum_nonneg. intros. apply pow2_ge_0.
    - rewrite (sum_ext _ _ (fun i => 1 * (1 * f i ^ 2 + - (2 * t) * (f i * h i)) + t ^ 2 * h i ^ 2)) by (intros; ring).
      rewrite !sum_lin. fold X F H. ring. }
  assert (0 <= H) as [P|Z] by (apply sum_nonneg; intros; apply pow2_ge_0).
  - specialize (E (X / H)).
    replace (F - 2 * (X / H) * X + (X / H) ^ 2 * H) with ((F * H - X ^ 2) / H) in E by (field; lra).
    apply (Rmult_le_compat_r H) in E; [|lra]. unfold Rdiv in E. rewrite Rmult_assoc, Rinv_l in E by lra. lra.
  - rewrite <- Z in *. destruct (Req_dec X 0) as [->|X0]; [lra|].
    specialize (E ((F + 1) / (2 * X))).
    replace (2 * ((F + 1) / (2 * X)) * X) with (F + 1) in E by (field; assumption). lra.
Qed.

Lemma exp_tangent a x : exp a * (1 + (x - a)) <= exp x.
Proof.
  replace x with (a + (x - a)) at 2 by ring. rewrite exp_plus.
  apply Rmult_le_compat_l; [left; apply exp_pos | apply exp_ineq1_le].
Qed.

Lemma exp_convex q t : 0 <= q <= 1 -> exp (q * t) <= 1 - q + q * exp t.
Proof.
  intros Q. pose proof (exp_tangent (q * t) 0) as A. pose proof (exp_tangent (q * t) t) as B. rewrite exp_0 in A.
  apply (Rmult_le_compat_l (1 - q)) in A; [|lra]. apply (Rmult_le_compat_l q) in B; [|lra].
  replace (exp (q * t))
    with ((1 - q) * (exp (q * t) * (1 + (0 - q * t))) + q * (exp (q * t) * (1 + (t - q * t)))) by ring. lra.
Qed.

Lemma ln_monotone x y : 0 < x -> x <= y -> ln x <= ln y.
Proof. intros P [L| ->]; [left; apply ln_increasing; assumption | right; reflexivity]. Qed.

Lemma exp_monotone x y : x <= y -> exp x <= exp y.
Proof. intros [L| ->]; [left; apply exp_increasing; assumption | right; reflexivity]. Qed.

Lemma softplus_tangent k u v : 0 < k ->
  ln (1 + k * exp v) + k * exp v / (1 + k * exp v) * (u - v) <= ln (1 + k * exp u).
Proof.
  intros K. pose proof (exp_pos v). pose proof (exp_pos u). set (D := 1 + k * exp v). assert (0 < D) by (unfold D; nra).
  set (q := k * exp v / D).
  assert (0 <= q <= 1).
  { unfold q, Rdiv. split.
    { apply Rle_mult_inv_pos; [left; apply Rmult_lt_0_compat; assumption | assumption]. }
    apply (Rmult_le_reg_r D); [assumption|]. rewrite Rmult_assoc, Rinv_l by lra. unfold D. lra. }
  rewrite <- (ln_exp (q * (u - v))), <- ln_mult; [|assumption|apply exp_pos].
  apply ln_monotone; [apply Rmult_lt_0_compat; [assumption | apply exp_pos]|].
  apply Rle_trans with (D * (1 - q + q * exp (u - v))).
  { apply Rmult_le_compat_l; [lra | apply exp_convex; assumption]. }
  right. unfold Rminus at 2. rewrite exp_plus, exp_Ropp. unfold q, D. field. fold D. split; lra.
Qed.

(* Hoeffding's lemma: the logarithm of a mean of exponentials, against the mean and the squares. *)

Section Hoeffding.

Variable p : R.
Hypothesis share_of_one : 0 <= p <= 1.

Let D x := 1 - p + p * exp x.
Let gap x := p * x + / 8 * (x * x) - ln (D x).
Let slope x := p + / 4 * x - p * exp x / D x.

Lemma D_positive x : 0 < D x.
Proof. unfold D. pose proof (exp_pos x). destruct (Req_dec p 0) as [->|]; [lra|]. nra. Qed.

Lemma D_slopes x : derivable_pt_lim D x (p * exp x).
Proof.
  replace (p * exp x) with (0 + p * exp x) by ring.
  exact (derivable_pt_lim_plus _ _ _ _ _ (derivable_pt_lim_const (1 - p) x)
    (derivable_pt_lim_scal exp p x _ (derivable_pt_lim_exp x))).
Qed.

Lemma gap_slopes x : derivable_pt_lim gap x (slope x).
Proof.
  replace (slope x) with (p * 1 + / 8 * (1 * x + x * 1) - / D x * (p * exp x))
    by (unfold slope; pose proof (D_positive x); field; lra).
  exact (derivable_pt_lim_minus _ _ _ _ _ (derivable_pt_lim_plus _ _ _ _ _
      (derivable_pt_lim_scal id p x 1 (derivable_pt_lim_id x))
      (derivable_pt_lim_scal _ (/ 8) x _ (derivable_pt_lim_mult id id x 1 1 (derivable_pt_lim_id x)
        (derivable_pt_lim_id x))))
    (derivable_pt_lim_comp D ln x _ _ (D_slopes x) (derivable_pt_lim_ln _ (D_positive x)))).
Qed.

Lemma slope_slopes x : derivable_pt_lim slope x (/ 4 - p * (1 - p) * exp x / (D x * D x)).
Proof.
  pose proof (D_positive x) as P.
  replace (/ 4 - p * (1 - p) * exp x / (D x * D x))
    with (0 + / 4 * 1 - (p * exp x * D x - p * exp x * (p * exp x)) / Rsqr (D x)).
  2: { unfold Rsqr. replace (p * exp x * D x - p * exp x * (p * exp x)) with (p * (1 - p) * exp x) by (unfold D; ring).
       field. lra. }
  exact (derivable_pt_lim_minus _ _ _ _ _ (derivable_pt_lim_plus _ _ _ _ _ (derivable_pt_lim_const p x)
      (derivable_pt_lim_scal id (/ 4) x 1 (derivable_pt_lim_id x)))
    (derivable_pt_lim_div _ _ _ _ _ (derivable_pt_lim_scal exp p x _ (derivable_pt_lim_exp x)) (D_slopes x)
      (Rgt_not_eq _ _ P))).
Qed.

Lemma hoeffding_pair r : 0 <= r -> ln (D r) <= p * r + / 8 * (r * r).
Proof.
  intros [L|<-].
  2: { unfold D. rewrite exp_0. replace (1 - p + p * 1) with 1 by ring. rewrite ln_1. lra. }
  assert (S : forall x, 0 < x -> 0 <= slope x).
  { intros x X. destruct (MVT_cor2 slope _ 0 x X (fun c _ => slope_slopes c)) as [c [E [A B]]].
    assert (Z : slope 0 = 0) by (unfold slope, D; rewrite exp_0; field; lra).
    rewrite Z, Rminus_0_r in E. rewrite E. pose proof (D_positive c) as P. pose proof (exp_pos c).
    apply Rmult_le_pos; [|lra]. apply Rle_trans with (((D c) ^ 2 - 4 * (p * (1 - p) * exp c)) / (4 * (D c * D c))).
    - apply Rle_mult_inv_pos; [|nra]. replace (D c ^ 2 - 4 * (p * (1 - p) * exp c)) with ((1 - p - p * exp c) ^ 2)
        by (unfold D; ring). apply pow2_ge_0.
    - right. field. lra. }
  destruct (MVT_cor2 gap _ 0 r L (fun c _ => gap_slopes c)) as [c [E [A B]]].
  assert (Z : gap 0 = 0) by (unfold gap, D; rewrite exp_0; replace (1 - p + p * 1) with 1 by ring; rewrite ln_1; ring).
  rewrite Z, Rminus_0_r in E. pose proof (S c A). assert (0 <= gap r) by (rewrite E; nra). unfold gap in *. lra.
Qed.

End Hoeffding.

Lemma within n (f : nat -> R) : (0 < n)%nat -> exists a b, a <= b /\ (forall i, (i < n)%nat -> a <= f i <= b) /\
  a ^ 2 <= sum n (fun i => f i ^ 2) /\ b ^ 2 <= sum n (fun i => f i ^ 2) /\ (b - a) ^ 2 <= 2 * sum n (fun i => f i ^ 2).
Proof.
  induction n as [|n IH]; [lia|]. intros _. destruct n as [|n].
  - exists (f O), (f O). pose proof (pow2_ge_0 (f O)). cbn [sum].
    split; [lra|]. split; [intros i I; replace i with O by lia; lra|].
    repeat split; replace (f O - f O) with 0 by ring; lra.
  - destruct IH as [a [b [O [B [A2 [B2 R2]]]]]]; [lia|].
    change (sum (S (S n)) (fun i => f i ^ 2)) with (sum (S n) (fun i => f i ^ 2) + f (S n) ^ 2).
    set (F := sum (S n) (fun i => f i ^ 2)) in *. set (x := f (S n)) in *. pose proof (pow2_ge_0 x).
    pose proof (pow2_ge_0 a). pose proof (pow2_ge_0 b). pose proof (pow2_ge_0 (a + x)). pose proof (pow2_ge_0 (b + x)).
    assert (W : forall l r, l <= x <= r -> l <= a -> b <= r -> forall i, (i < S (S n))%nat -> l <= f i <= r).
    { intros l r X L U i I. destruct (Nat.eq_dec i (S n)) as [->|]; [exact X|]. destruct (B i ltac:(lia)). lra. }
    destruct (Rle_dec x a) as [X|X]; [|destruct (Rle_dec b x) as [Y|Y]].
    + exists x, b. split; [lra|]. split; [apply W; lra|]. repeat split; nra.
    + exists a, x. split; [lra|]. split; [apply W; lra|]. repeat split; nra.
    + exists a, b. split; [lra|]. split; [apply W; lra|]. repeat split; lra.
Qed.

Lemma hoeffding n (q f : nat -> R) : (0 < n)%nat -> (forall i, (i < n)%nat -> 0 <= q i) -> sum n q = 1 ->
  ln (sum n (fun i => q i * exp (f i))) <= sum n (fun i => q i * f i) + / 4 * sum n (fun i => f i ^ 2).
Proof.
  intros P Q One. destruct (within n f P) as [a [b [O [B [_ [_ R2]]]]]]. set (F := sum n (fun i => f i ^ 2)) in *.
  set (m := sum n (fun i => q i * f i)). pose proof (exp_pos a).
  assert (M : a <= m <= b).
  { unfold m. rewrite <- (Rmult_1_r a), <- (Rmult_1_r b), <- One, <- !sum_scal.
    split; apply sum_le; intros i I; pose proof (Q i I); pose proof (B i I); nra. }
  set (T := sum n (fun i => q i * exp (f i))).
  assert (Positive : 0 < T).
  { apply Rlt_le_trans with (exp a); [assumption|]. unfold T.
    rewrite <- (Rmult_1_r (exp a)), <- One, <- sum_scal. apply sum_le. intros i I.
    pose proof (Q i I). pose proof (exp_monotone a (f i) ltac:(apply (B i I))). nra. }
  destruct O as [L|E].
  - set (r := b - a). assert (0 < r) by (unfold r; lra). set (p := (m - a) / r).
    assert (Share : 0 <= p <= 1).
    { unfold p, Rdiv. split; [apply Rle_mult_inv_pos; lra|]. apply (Rmult_le_reg_r r); [assumption|].
      rewrite Rmult_assoc, Rinv_l by lra. unfold r. lra. }
    assert (U : T <= exp a * (1 - p + p * exp r)).
    { apply Rle_trans with (sum n (fun i => exp a * (1 - a * ((exp r - 1) / r))
        * q i + exp a * ((exp r - 1) / r) * (q i * f i))).
      - unfold T. apply sum_le. intros i I. pose proof (Q i I) as Qi. destruct (B i I) as [Li Ui].
        set (t := (f i - a) / r).
        assert (St : 0 <= t <= 1).
        { unfold t, Rdiv. split; [apply Rle_mult_inv_pos; lra|]. apply (Rmult_le_reg_r r); [assumption|].
          rewrite Rmult_assoc, Rinv_l by lra. unfold r. lra. }
        pose proof (exp_convex t r St) as X.
        replace (f i) with (a + t * r) at 1 by (unfold t; field; lra). rewrite exp_plus.
        replace (exp a * (1 - a * ((exp r - 1) / r)) * q i
          + exp a * ((exp r - 1) / r) * (q i * f i)) with (q i * (exp a * (1 - t + t * exp r)))
          by (unfold t; field; lra).
        apply Rmult_le_compat_l; [assumption|]. apply Rmult_le_compat_l; lra.
      - right. rewrite sum_lin, One. fold m. unfold p. field. lra. }
    pose proof (hoeffding_pair p Share r ltac:(lra)) as H2.
    assert (0 < 1 - p + p * exp r) by (apply (D_positive p Share)).
    apply Rle_trans with (ln (exp a * (1 - p + p * exp r))); [apply ln_monotone; assumption|].
    rewrite ln_mult, ln_exp by assumption. replace m with (a + p * r) by (unfold p; field; lra).
    fold r in R2. replace (r * r) with (r ^ 2) in H2 by ring. lra.
  - assert (m = a) by lra. assert (T = exp a).
    { unfold T. rewrite (sum_ext _ _ (fun i => exp a * q i)); [rewrite sum_scal, One; ring|].
      intros i I. replace (f i) with a by (pose proof (B i I); lra). ring. }
    rewrite H1, ln_exp. assert (0 <= F) by (apply sum_nonneg; intros; apply pow2_ge_0). lra.
Qed.

Section Floor.

(* n images of C classes; y i is the class of image i, N i c its normalized logit for class c. *)
Variables (n C : nat) (y : nat -> nat) (N : nat -> nat -> R) (ga be : nat -> R).
Hypothesis some : (0 < n)%nat.
Hypothesis several : (2 <= C)%nat.
Hypothesis classes : forall i, (i < n)%nat -> (y i < C)%nat.

Definition mean f := sum n f / INR n.
Hypothesis centred : forall c, (c < C)%nat -> mean (fun i => N i c) = 0.
Hypothesis scaled : forall c, (c < C)%nat -> mean (fun i => N i c ^ 2) <= 1.

Definition logit i c := ga c * N i c + be c.
Definition is i c := if Nat.eqb (y i) c then 1 else 0.
Definition share c := mean (fun i => is i c).
Definition cross_entropy := mean (fun i => ln (sum C (fun c => exp (logit i c - logit i (y i))))).
Definition reach := sum C (fun c => Rabs (ga c) * sqrt (share c * (1 - share c)) + (share c - / INR C) * be c).

Lemma others : 1 <= INR C - 1.
Proof. assert (INR 2 <= INR C) by (apply le_INR; assumption). simpl in *. lra. Qed.

Lemma images : 0 < INR n.
Proof. apply lt_0_INR. assumption. Qed.

Lemma mean_le f h : (forall i, (i < n)%nat -> f i <= h i) -> mean f <= mean h.
Proof.
  intros L. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, images | apply sum_le; assumption].
Qed.

Lemma mean_ext f h : (forall i, (i < n)%nat -> f i = h i) -> mean f = mean h.
Proof. intros E. unfold mean. f_equal. apply sum_ext. assumption. Qed.

Lemma mean_lin a b f h : mean (fun i => a * f i + b * h i) = a * mean f + b * mean h.
Proof. unfold mean. rewrite sum_lin. field. pose proof images. lra. Qed.

Lemma mean_const c : mean (fun _ => c) = c.
Proof. unfold mean. rewrite sum_const. field. pose proof images. lra. Qed.

Lemma pick m k h : (k < m)%nat -> sum m (fun c => (if Nat.eqb k c then 1 else 0) * h c) = h k.
Proof.
  induction m as [|m IH]; intros B; [lia|]. simpl. destruct (Nat.eqb_spec k m) as [->|K].
  - rewrite (sum_ext _ _ (fun _ => 0)); [rewrite sum_const; ring|].
    intros c Bc. destruct (Nat.eqb_spec m c); [lia | ring].
  - rewrite IH by lia. ring.
Qed.

Lemma mean_cauchy f c : (c < C)%nat -> mean (fun i => f i * N i c) ^ 2 <= mean (fun i => f i ^ 2).
Proof.
  intros B. pose proof images. pose proof (cauchy n f (fun i => N i c)) as X. cbv beta in X.
  pose proof (scaled c B) as Q. unfold mean in Q |- *.
  set (T := sum n (fun i => f i * N i c)) in *. set (F := sum n (fun i => f i ^ 2)) in *.
  set (W := sum n (fun i => N i c ^ 2)) in *.
  assert (0 <= F) by (apply sum_nonneg; intros; apply pow2_ge_0).
  assert (W <= INR n) by (apply (Rmult_le_compat_r (INR n)) in Q; [|lra]; unfold Rdiv in Q;
    rewrite Rmult_assoc, Rinv_l in Q; lra).
  apply (Rmult_le_reg_r (INR n ^ 2)); [nra|]. replace ((T / INR n) ^ 2 * INR n ^ 2) with (T ^ 2) by (field; lra).
  replace (F / INR n * INR n ^ 2) with (F * INR n) by (field; lra). nra.
Qed.

Lemma alignment c : (c < C)%nat -> Rabs (mean (fun i => is i c * N i c)) <= sqrt (share c * (1 - share c)).
Proof.
  intros B. pose proof images as I. set (s := share c). rewrite <- sqrt_Rsqr_abs. apply sqrt_le_1_alt. unfold Rsqr.
  replace (mean (fun i => is i c * N i c)) with (mean (fun i => (is i c - s) * N i c)).
  2: { rewrite <- (Rminus_0_r (mean (fun i => is i c * N i c))), <- (Rmult_0_r s), <- (centred c B).
       replace (mean (fun i => is i c * N i c) - s * mean (fun i => N i c))
         with (1 * mean (fun i => is i c * N i c) + - s * mean (fun i => N i c)) by ring.
       rewrite <- mean_lin. unfold mean. f_equal. apply sum_ext. intros. ring. }
  pose proof (mean_cauchy (fun i => is i c - s) c B) as X. cbv beta in X.
  rewrite (mean_ext (fun i => (is i c - s) ^ 2) (fun i => (1 - 2 * s) * is i c + s ^ 2 * 1)) in X.
  - rewrite mean_lin, mean_const in X. fold (share c) in X. fold s in X.
    simpl in X. rewrite Rmult_1_r in X. eapply Rle_trans; [exact X|]. right. ring.
  - intros i _. unfold is. destruct (Nat.eqb (y i) c); ring.
Qed.

Definition average i := sum C (fun c => logit i c - logit i (y i)) / (INR C - 1).

Lemma one_image i : (i < n)%nat ->
  ln (1 + (INR C - 1) * exp (average i)) <= ln (sum C (fun c => exp (logit i c - logit i (y i)))).
Proof.
  intros B. pose proof others. set (a := average i). pose proof (exp_pos a).
  apply ln_monotone; [nra|].
  apply Rle_trans with (sum C (fun c => exp a * (1 - a) * 1 + exp a * (logit i c - logit i (y i)))
    + (1 - exp a * (1 - a))).
  - rewrite sum_lin, sum_const. right. unfold a, average. field. lra.
  - rewrite <- (pick C (y i) (fun _ => 1 - exp a * (1 - a))) by (apply classes; assumption).
    rewrite <- sum_plus. apply sum_le. intros c _. destruct (Nat.eqb_spec (y i) c) as [<-|].
    + replace (logit i (y i) - logit i (y i)) with 0 by ring. rewrite exp_0. lra.
    + pose proof (exp_tangent a (logit i c - logit i (y i))). lra.
Qed.

Lemma mean_of_sums m f : mean (fun i => sum m (fun c => f i c)) = sum m (fun c => mean (fun i => f i c)).
Proof.
  unfold mean. rewrite sum_swap. unfold Rdiv. rewrite Rmult_comm, <- sum_scal. apply sum_ext. intros. ring.
Qed.

Lemma averages : - (INR C * reach / (INR C - 1)) <= mean average.
Proof.
  pose proof others. pose proof images.
  assert (E : mean average = - (INR C * sum C (fun c => ga c * mean (fun i => is i c * N i c)
    + (share c - / INR C) * be c) / (INR C - 1))).
  { rewrite (mean_ext _ (fun i => / (INR C - 1) * sum C (fun c => (1 - INR C * is i c) * logit i c) + 0 * 0)).
    - rewrite mean_lin, mean_of_sums, (sum_ext _ _ (fun c => - INR C *
        (ga c * mean (fun i => is i c * N i c) + (share c - / INR C) * be c))).
      + rewrite sum_scal. field. lra.
      + intros c B. rewrite (mean_ext _ (fun i => ga c * (1 * N i c + - INR C * (is i c * N i c))
          + be c * (1 * 1 + - INR C * is i c))) by (intros; unfold logit; ring).
        rewrite !mean_lin, mean_const, (centred c B). fold (share c). field. lra.
    - intros i B. unfold average.
      assert (P : sum C (fun c => is i c * logit i c) = logit i (y i)) by (apply pick, classes; assumption).
      rewrite (sum_ext _ _ (fun c => 1 * logit i c + - logit i (y i) * 1)) by (intros; ring).
      rewrite sum_lin, sum_const, (sum_ext _ (fun c => (1 - INR C * is i c) * logit i c)
        (fun c => 1 * logit i c + - INR C * (is i c * logit i c))) by (intros; ring).
      rewrite sum_lin, P. field. lra. }
  rewrite E. apply Ropp_le_contravar. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; lra|].
  apply Rmult_le_compat_l; [lra|]. apply sum_le. intros c B. apply Rplus_le_compat_r.
  pose proof (alignment c B). pose proof (Rle_abs (ga c * mean (fun i => is i c * N i c))) as L. rewrite Rabs_mult in L.
  pose proof (Rabs_pos (ga c)). nra.
Qed.

Theorem cross_entropy_floor : ln (1 + (INR C - 1) * exp (- (INR C * reach / (INR C - 1)))) <= cross_entropy.
Proof.
  pose proof others. pose proof averages as A.
  set (v := - (INR C * reach / (INR C - 1))) in *. set (k := INR C - 1) in *.
  pose proof (exp_pos v).
  set (q := k * exp v / (1 + k * exp v)).
  assert (0 <= q) by (apply Rle_mult_inv_pos; nra).
  apply Rle_trans with (mean (fun i => (ln (1 + k * exp v) - q * v) * 1 + q * average i)).
  - rewrite mean_lin, mean_const. nra.
  - apply mean_le. intros i B. pose proof (one_image i B) as I. fold k in I.
    pose proof (softplus_tangent k (average i) v) as L. fold q in L. lra.
Qed.

Lemma share_between c : 0 <= share c <= 1.
Proof.
  split; [rewrite <- (mean_const 0) | rewrite <- (mean_const 1)]; apply mean_le; intros i _; unfold is;
    destruct (Nat.eqb (y i) c); lra.
Qed.

Lemma shares_sum : sum C share = 1.
Proof.
  unfold share. rewrite <- mean_of_sums, <- (mean_const 1). apply mean_ext. intros i B.
  rewrite (sum_ext _ _ (fun c => is i c * 1)) by (intros; ring).
  exact (pick C (y i) (fun _ => 1) (classes i B)).
Qed.

Lemma reach_bounded : reach ^ 2 <= (1 - / INR C) * sum C (fun c => ga c ^ 2 + be c ^ 2).
Proof.
  pose proof others. set (a c := sqrt (share c * (1 - share c))). set (b c := share c - / INR C).
  assert (R : reach = sum C (fun c => Rabs (ga c) * a c) + sum C (fun c => be c * b c)).
  { unfold reach. rewrite <- sum_plus. apply sum_ext. intros. unfold a, b. ring. }
  pose proof (cauchy C (fun c => Rabs (ga c)) a) as X. pose proof (cauchy C be b) as Y. cbv beta in X, Y.
  rewrite (sum_ext C (fun c => Rabs (ga c) ^ 2) (fun c => ga c ^ 2)) in X by (intros; apply pow2_abs).
  rewrite R, sum_plus. set (u := sum C (fun c => Rabs (ga c) * a c)) in *. set (v := sum C (fun c => be c * b c)) in *.
  set (G := sum C (fun c => ga c ^ 2)) in *. set (B := sum C (fun c => be c ^ 2)) in *.
  replace (1 - / INR C) with (sum C (fun c => a c ^ 2) + sum C (fun c => b c ^ 2)).
  2: { rewrite <- sum_plus, (sum_ext C _ (fun c => (1 - 2 * / INR C) * share c + / INR C ^ 2 * 1)).
       - rewrite sum_lin, shares_sum, sum_const. field. lra.
       - intros c _. pose proof (share_between c). unfold a, b. rewrite pow2_sqrt by nra. field. lra. }
  set (E := sum C (fun c => a c ^ 2)) in *. set (F := sum C (fun c => b c ^ 2)) in *.
  assert (0 <= G /\ 0 <= B /\ 0 <= E /\ 0 <= F) as [? [? [? ?]]]
    by (repeat split; apply sum_nonneg; intros; apply pow2_ge_0).
  assert (2 * (u * v) <= G * F + B * E); [|lra].
  apply Rsqr_incr_0_var; [|nra]. unfold Rsqr.
  assert (u ^ 2 * v ^ 2 <= (G * E) * (B * F)) by (apply Rmult_le_compat; nra).
  pose proof (pow2_ge_0 (G * F - B * E)). lra.
Qed.

Theorem floor_of_the_norm :
  ln (1 + (INR C - 1) * exp (- (sqrt (INR C / (INR C - 1)) * sqrt (sum C (fun c => ga c ^ 2 + be c ^ 2)))))
  <= cross_entropy.
Proof.
  pose proof others. pose proof reach_bounded as B. eapply Rle_trans; [|exact cross_entropy_floor].
  set (T := sum C (fun c => ga c ^ 2 + be c ^ 2)) in *.
  assert (0 <= T) by (apply sum_nonneg; intros; apply Rplus_le_le_0_compat; apply pow2_ge_0).
  assert (0 < INR C / (INR C - 1)) by (apply Rdiv_lt_0_compat; lra).
  apply ln_monotone; [pose proof (exp_pos (- (sqrt (INR C / (INR C - 1)) * sqrt T))); nra|].
  apply Rplus_le_compat_l, Rmult_le_compat_l; [lra|]. apply exp_monotone, Ropp_le_contravar.
  rewrite <- sqrt_mult by lra. apply Rsqr_incr_0_var; [|apply sqrt_pos].
  rewrite Rsqr_sqrt by (apply Rmult_le_pos; lra). unfold Rsqr.
  replace (INR C * reach / (INR C - 1) * (INR C * reach / (INR C - 1)))
    with ((INR C / (INR C - 1)) ^ 2 * reach ^ 2) by (field; lra).
  apply Rle_trans with ((INR C / (INR C - 1)) ^ 2 * ((1 - / INR C) * T)).
  - apply Rmult_le_compat_l; [apply pow2_ge_0 | assumption].
  - right. field. lra.
Qed.

(* --- what the scale lives on *)

Definition softmax x c := exp (x c) / sum C (fun j => exp (x j)).
Definition ascent c := mean (fun i => (is i c - softmax (logit i) c) * N i c).  (* minus the gradient in ga c *)
Definition lift c := mean (fun i => is i c - softmax (logit i) c).              (* and in be c *)
Definition entropy := mean (fun i => - sum C (fun c => softmax (logit i) c * ln (softmax (logit i) c))).
Definition square x := sum C (fun c => x c ^ 2).

Lemma sum_exp_positive x : 0 < sum C (fun j => exp (x j)).
Proof.
  clear classes centred scaled.  (* of what follows the law holds whatever N is *)
  destruct C as [|m]; [lia|]. cbn [sum]. pose proof (exp_pos (x m)).
  assert (0 <= sum m (fun j => exp (x j))) by (apply sum_nonneg; intros; left; apply exp_pos). lra.
Qed.

Lemma softmax_sums x : sum C (softmax x) = 1.
Proof.
  pose proof (sum_exp_positive x). unfold softmax, Rdiv.
  rewrite (sum_ext _ _ (fun c => / sum C (fun j => exp (x j)) * exp (x c))) by (intros; ring).
  rewrite sum_scal, Rinv_l; lra.
Qed.

Lemma softmax_positive x c : 0 <= softmax x c.
Proof. apply Rle_mult_inv_pos; [left; apply exp_pos | apply sum_exp_positive]. Qed.

Lemma softmax_at_most_one x c : (c < C)%nat -> softmax x c <= 1.
Proof.
  intros B. rewrite <- (softmax_sums x), <- (pick C c (softmax x) B). apply sum_le. intros j _.
  pose proof (softmax_positive x j). destruct (Nat.eqb c j); lra.
Qed.

Lemma log_of_shifted x r : ln (sum C (fun c => exp (x c - r))) = ln (sum C (fun c => exp (x c))) - r.
Proof.
  pose proof (sum_exp_positive x) as P. rewrite (sum_ext _ _ (fun c => exp (- r) * exp (x c))).
  - rewrite sum_scal, ln_mult, ln_exp by (try apply exp_pos; assumption). ring.
  - intros. rewrite <- exp_plus. f_equal. ring.
Qed.

Lemma at_the_label i h : (i < n)%nat -> sum C (fun c => is i c * h c) = h (y i).
Proof. intros B. apply pick, classes, B. Qed.

Lemma surplus_of i : (i < n)%nat ->
  - sum C (fun c => softmax (logit i) c * ln (softmax (logit i) c))
    - ln (sum C (fun c => exp (logit i c - logit i (y i))))
  = sum C (fun c => (is i c - softmax (logit i) c) * logit i c).
Proof.
  intros B. set (z := logit i). pose proof (sum_exp_positive z) as P. rewrite log_of_shifted.
  set (L := ln (sum C (fun c => exp (z c)))).
  rewrite (sum_ext _ (fun c => softmax z c * ln (softmax z c)) (fun c => 1 * (softmax z c * z c) + - L * softmax z c)).
  - rewrite (sum_ext _ (fun c => (is i c - softmax z c) * z c) (fun c => 1 * (is i c * z c) + -1 * (softmax z c * z c)))
      by (intros; ring).
    rewrite !sum_lin, softmax_sums, (at_the_label i z B). ring.
  - intros c _. unfold softmax at 2. unfold Rdiv. rewrite ln_mult, ln_exp, ln_Rinv
      by (try apply exp_pos; try apply Rinv_0_lt_compat; assumption). unfold L. ring.
Qed.

(* An update turns the scale and the shift by what the softmax does not know, less the loss. *)
Lemma balance : sum C (fun c => 1 * (ga c * ascent c) + 1 * (be c * lift c)) = entropy - cross_entropy.
Proof.
  replace (entropy - cross_entropy) with (1 * entropy + -1 * cross_entropy) by ring.
  unfold entropy, cross_entropy. rewrite <- mean_lin.
  rewrite (mean_ext _ (fun i => sum C (fun c => (is i c - softmax (logit i) c) * logit i c))).
  - rewrite mean_of_sums. apply sum_ext. intros c _. unfold ascent, lift.
    rewrite !Rmult_1_l, <- mean_lin. apply mean_ext. intros i _. unfold logit at 4. ring.
  - intros i B. rewrite <- (surplus_of i B). ring.
Qed.

(* By 1 + x <= exp x alone: t is one more than Lambert's W of (C - 1)/e. *)
Lemma surplus_bounded t : (t - 1) * exp t = INR C - 1 -> entropy - cross_entropy <= t - 1.
Proof.
  intros E. rewrite <- (mean_const (t - 1)).
  replace (entropy - cross_entropy) with (1 * entropy + -1 * cross_entropy) by ring.
  unfold entropy, cross_entropy. rewrite <- mean_lin. apply mean_le. intros i B.
  replace (1 * - _ + -1 * _) with (sum C (fun c => (is i c - softmax (logit i) c) * logit i c))
    by (rewrite <- (surplus_of i B); ring).
  set (z := logit i). set (r := z (y i)).
  pose proof (sum_exp_positive z) as P. set (S := sum C (fun c => exp (z c))) in *.
  apply Rminus_le. apply (Rmult_le_reg_r S); [assumption|]. rewrite Rmult_0_l.
  replace ((sum C (fun c => (is i c - softmax z c) * z c) - (t - 1)) * S)
    with (sum C (fun c => exp (z c) * (r - z c - (t - 1)))).
  - apply Rle_trans with (sum C (fun c => exp (r - t) * 1 + - (exp r * (t - 1) + exp (r - t)) * (is i c * 1))).
    + apply sum_le. intros c _. rewrite Rmult_1_r. unfold is. destruct (Nat.eqb_spec (y i) c) as [<-|_].
      * fold r. right. ring.
      * pose proof (exp_tangent 0 (r - t - z c)) as T. rewrite exp_0 in T. pose proof (exp_pos (z c)).
        replace (exp (r - t)) with (exp (z c) * exp (r - t - z c)) by (rewrite <- exp_plus; f_equal; ring). nra.
    + rewrite sum_lin, sum_const, (at_the_label i (fun _ => 1) B).
      replace (exp r) with (exp (r - t) * exp t) by (rewrite <- exp_plus; f_equal; ring).
      right. replace (INR C) with ((t - 1) * exp t + 1) by lra. ring.
  - rewrite (sum_ext _ (fun c => (is i c - softmax z c) * z c)
      (fun c => 1 * (is i c * z c) + - / S * (exp (z c) * z c))) by (intros; unfold softmax; fold S; field; lra).
    rewrite (sum_ext _ (fun c => exp (z c) * (r - z c - (t - 1)))
      (fun c => (r - (t - 1)) * exp (z c) + -1 * (exp (z c) * z c))) by (intros; ring).
    rewrite !sum_lin, (at_the_label i z B). fold r S. field. lra.
Qed.

(* Where every image is classified rightly, the softmax is less sure than it is right. *)
Theorem right_is_unsure : (forall i c, (i < n)%nat -> (c < C)%nat -> logit i c <= logit i (y i)) ->
  cross_entropy <= entropy.
Proof.
  intros right. apply Rminus_le. replace (cross_entropy - entropy) with (1 * cross_entropy + -1 * entropy) by ring.
  unfold entropy, cross_entropy. rewrite <- mean_lin, <- (mean_const 0). apply mean_le. intros i B.
  set (z := logit i). pose proof (surplus_of i B) as E. fold z in E.
  rewrite (sum_ext _ (fun c => (is i c - softmax z c) * z c)
    (fun c => 1 * (is i c * z c) + -1 * (softmax z c * z c))) in E by (intros; ring).
  rewrite sum_lin, (at_the_label i z B) in E.
  assert (sum C (fun c => softmax z c * z c) <= sum C (fun c => z (y i) * softmax z c)).
  { apply sum_le. intros c Bc. pose proof (softmax_positive z c). pose proof (right i c B Bc) as R. fold z in R. nra. }
  rewrite sum_scal, softmax_sums in H. lra.
Qed.

Lemma bessel f c : (c < C)%nat -> mean (fun i => f i * N i c) ^ 2 + mean f ^ 2 <= mean (fun i => f i ^ 2).
Proof.
  intros B. set (T := mean (fun i => f i * N i c)). set (F := mean f).
  assert (0 <= mean (fun i => (f i - F - T * N i c) ^ 2)) as P.
  { rewrite <- (mean_const 0). apply mean_le. intros. apply pow2_ge_0. }
  rewrite (mean_ext _ (fun i => 1 * (1 * (1 * f i ^ 2 + F ^ 2 * 1) + T ^ 2 * N i c ^ 2)
    + 1 * (1 * (- 2 * F * f i + - 2 * T * (f i * N i c)) + 2 * F * T * N i c))) in P by (intros; ring).
  rewrite !mean_lin, mean_const, (centred c B) in P. fold F T in P. pose proof (scaled c B). nra.
Qed.

Lemma ascent_bounded : square ascent + square lift <= 2.
Proof.
  rewrite <- (Rmult_1_l (square ascent)), <- (Rmult_1_l (square lift)). unfold square. rewrite <- sum_lin.
  apply Rle_trans with (sum C (fun c => mean (fun i => (is i c - softmax (logit i) c) ^ 2))).
  - apply sum_le. intros c B. pose proof (bessel (fun i => is i c - softmax (logit i) c) c B) as X.
    unfold ascent, lift. cbv beta in X. lra.
  - rewrite <- mean_of_sums, <- (mean_const 2). apply mean_le. intros i B.
    apply Rle_trans with (sum C (fun c => 1 * (is i c * 1) + 1 * softmax (logit i) c)).
    + apply sum_le. intros c Bc.
      pose proof (softmax_positive (logit i) c). pose proof (softmax_at_most_one (logit i) c Bc).
      unfold is. destruct (Nat.eqb (y i) c); nra.
    + rewrite sum_lin, softmax_sums, (at_the_label i (fun _ => 1) B). lra.
Qed.

(* An update, of scale and shift together. *)
Theorem scale_law lr_a ga' be' :
  (forall c, ga' c = ga c + lr_a * ascent c) -> (forall c, be' c = be c + lr_a * lift c) ->
  square ga' + square be' = square ga + square be + 2 * lr_a * (entropy - cross_entropy)
    + lr_a ^ 2 * (square ascent + square lift).
Proof.
  intros G B. rewrite <- balance, sum_lin. unfold square.
  rewrite (sum_ext _ (fun c => ga' c ^ 2) (fun c => 1 * (1 * ga c ^ 2 + 2 * lr_a * (ga c * ascent c))
    + lr_a ^ 2 * ascent c ^ 2)) by (intros; rewrite G; ring).
  rewrite (sum_ext _ (fun c => be' c ^ 2) (fun c => 1 * (1 * be c ^ 2 + 2 * lr_a * (be c * lift c))
    + lr_a ^ 2 * lift c ^ 2)) by (intros; rewrite B; ring).
  rewrite !sum_lin. ring.
Qed.

(* The loss is above its tangent by a quarter of the squared length of the way, at most. *)
Lemma above_tangent dg db :
  mean (fun i => ln (sum C (fun c =>
      exp (logit i c + (dg c * N i c + db c) - (logit i (y i) + (dg (y i) * N i (y i) + db (y i)))))))
  <= cross_entropy - sum C (fun c => 1 * (dg c * ascent c) + 1 * (db c * lift c)) + / 4 * (square dg + square db).
Proof.
  set (d i c := dg c * N i c + db c).
  apply Rle_trans with (mean (fun i => 1 * (1 * ln (sum C (fun c => exp (logit i c - logit i (y i))))
    + -1 * sum C (fun c => (is i c - softmax (logit i) c) * d i c)) + / 4 * sum C (fun c => d i c ^ 2))).
  - apply mean_le. intros i B. change (dg (y i) * N i (y i) + db (y i)) with (d i (y i)).
    set (z := logit i). pose proof (sum_exp_positive z) as P.
    rewrite (log_of_shifted (fun c => z c + (dg c * N i c + db c)) (z (y i) + d i (y i))), log_of_shifted.
    set (S := sum C (fun c => exp (z c))) in *.
    assert (E : sum C (fun c => exp (z c + (dg c * N i c + db c))) = S * sum C (fun c => softmax z c * exp (d i c))).
    { rewrite <- sum_scal. apply sum_ext. intros c _. rewrite exp_plus. unfold softmax. fold S. unfold d. field. lra. }
    assert (Q : 0 < sum C (fun c => softmax z c * exp (d i c))).
    { apply (Rmult_lt_reg_l S); [assumption|]. rewrite Rmult_0_r, <- E. apply sum_exp_positive. }
    rewrite E, ln_mult by assumption.
    pose proof (hoeffding C (softmax z) (d i) ltac:(lia) (fun c _ => softmax_positive z c) (softmax_sums z)) as H.
    rewrite (sum_ext _ (fun c => (is i c - softmax z c) * d i c)
      (fun c => 1 * (is i c * d i c) + -1 * (softmax z c * d i c))) by (intros; ring).
    rewrite sum_lin, (at_the_label i (d i) B). lra.
  - rewrite !mean_lin, !mean_of_sums. fold cross_entropy.
    assert (A : sum C (fun c => mean (fun i => (is i c - softmax (logit i) c) * d i c))
      = sum C (fun c => 1 * (dg c * ascent c) + 1 * (db c * lift c))).
    { apply sum_ext. intros c _. unfold ascent, lift. rewrite !Rmult_1_l, <- mean_lin. apply mean_ext. intros i _.
      unfold d. ring. }
    assert (L : sum C (fun c => mean (fun i => d i c ^ 2)) <= square dg + square db).
    { unfold square. rewrite <- sum_plus. apply sum_le. intros c B.
      rewrite (mean_ext _ (fun i => dg c ^ 2 * N i c ^ 2 + 1 * (2 * dg c * db c * N i c + db c ^ 2 * 1)))
        by (intros; unfold d; ring).
      rewrite !mean_lin, mean_const, (centred c B). pose proof (scaled c B). nra. }
    rewrite A. lra.
Qed.

End Floor.

(* An update of scale and shift alone, with a step below four, lowers the loss. *)
Theorem safe_scale n C y N ga be lr_a ga' be' : (0 < n)%nat -> (2 <= C)%nat ->
  (forall i, (i < n)%nat -> (y i < C)%nat) -> (forall c, (c < C)%nat -> mean n (fun i => N i c) = 0) ->
  (forall c, (c < C)%nat -> mean n (fun i => N i c ^ 2) <= 1) ->
  (forall c, ga' c = ga c + lr_a * ascent n C y N ga be c) -> (forall c, be' c = be c + lr_a * lift n C y N ga be c) ->
  cross_entropy n C y N ga' be' <= cross_entropy n C y N ga be
    - lr_a * (1 - lr_a / 4) * (square C (ascent n C y N ga be) + square C (lift n C y N ga be)).
Proof.
  intros some several classes centred scaled G B.
  set (a := ascent n C y N ga be) in *. set (l := lift n C y N ga be) in *.
  pose proof (above_tangent n C y N ga be some several classes centred scaled (fun c => lr_a * a c)
    (fun c => lr_a * l c)) as T.
  fold a l in T.
  assert (E : cross_entropy n C y N ga' be' = mean n (fun i => ln (sum C (fun c =>
    exp (logit N ga be i c + (lr_a * a c * N i c + lr_a * l c)
      - (logit N ga be i (y i) + (lr_a * a (y i) * N i (y i) + lr_a * l (y i)))))))).
  { unfold cross_entropy. apply mean_ext. intros i I. f_equal. apply sum_ext. intros c _. f_equal. unfold logit.
    rewrite !G, !B. ring. }
  rewrite E. eapply Rle_trans; [exact T|]. unfold square.
  rewrite (sum_ext _ (fun c => 1 * (lr_a * a c * a c) + 1 * (lr_a * l c * l c))
    (fun c => lr_a * a c ^ 2 + lr_a * l c ^ 2)) by (intros; ring).
  rewrite sum_lin, (sum_ext _ (fun c => (lr_a * a c) ^ 2) (fun c => lr_a ^ 2 * a c ^ 2)) by (intros; ring).
  rewrite (sum_ext _ (fun c => (lr_a * l c) ^ 2) (fun c => lr_a ^ 2 * l c ^ 2)) by (intros; ring).
  rewrite !sum_scal. right. field.
Qed.

(* Updates on batches of their own. *)
Theorem scale_growth C lr_a g0 t (n : nat -> nat) (y : nat -> nat -> nat) (N : nat -> nat -> nat -> R)
  (ga be : nat -> nat -> R) k : (2 <= C)%nat -> 0 < lr_a -> (t - 1) * exp t = INR C - 1 ->
  (forall k, (0 < n k)%nat) -> (forall k i, (i < n k)%nat -> (y k i < C)%nat) ->
  (forall k c, (c < C)%nat -> mean (n k) (fun i => N k i c) = 0) ->
  (forall k c, (c < C)%nat -> mean (n k) (fun i => N k i c ^ 2) <= 1) ->
  (forall c, ga O c = g0) -> (forall c, be O c = 0) ->
  (forall k c, ga (S k) c = ga k c + lr_a * ascent (n k) C (y k) (N k) (ga k) (be k) c) ->
  (forall k c, be (S k) c = be k c + lr_a * lift (n k) C (y k) (N k) (ga k) (be k) c) ->
  square C (ga k) / INR C <= g0 ^ 2 + 2 * lr_a * INR k * (t - 1 + lr_a) / INR C.
Proof.
  intros several A T some classes centred scaled start level step shift. pose proof (others C several).
  assert (Q : square C (ga k) + square C (be k) <= INR C * g0 ^ 2 + 2 * lr_a * INR k * (t - 1 + lr_a)).
  { induction k as [|j IH].
    - simpl INR. unfold square.
      rewrite (sum_ext _ (fun c => ga O c ^ 2) (fun _ => g0 ^ 2)) by (intros; rewrite start; ring).
      rewrite (sum_ext _ (fun c => be O c ^ 2) (fun _ => 0)) by (intros; rewrite level; ring). rewrite !sum_const. lra.
    - rewrite S_INR, (scale_law (n j) C (y j) (N j) (ga j) (be j) (some j) several (classes j) lr_a _ _
        (step j) (shift j)).
      pose proof (surplus_bounded (n j) C (y j) (N j) (ga j) (be j) (some j) several (classes j) t T).
      pose proof (ascent_bounded (n j) C (y j) (N j) (ga j) (be j) (some j) several (classes j) (centred j) (scaled j)).
      nra. }
  assert (0 <= square C (be k)) by (apply sum_nonneg; intros; apply pow2_ge_0).
  apply (Rmult_le_reg_r (INR C)); [lra|]. unfold Rdiv. rewrite Rmult_plus_distr_r, !Rmult_assoc, Rinv_l by lra. lra.
Qed.

(* --- the scale of a hidden layer: its length is nothing to a loss that sees it through ReLU and normalization -- *)

Section Hidden.

(* n images, h normalized units; one unit of the next layer, with weights W and a bias b. *)
Variables (n h : nat) (N : nat -> nat -> R) (W : nat -> R) (b : R).
Hypothesis some : (0 < n)%nat.

Definition relu x := Rmax 0 x.
Definition next_unit ga be i := sum h (fun j => W j * relu (ga j * N i j + be j)) + b.
Definition variance z := mean n (fun i => (z i - mean n z) ^ 2).
Definition normalized z i := (z i - mean n z) / sqrt (variance z).

Lemma relu_scales t x : 0 < t -> relu (t * x) = t * relu x.
Proof. intros T. unfold relu. rewrite <- (Rmult_0_r t) at 1. apply RmaxRmult. lra. Qed.

Lemma next_unit_scales t ga be i : 0 < t ->
  next_unit (fun j => t * ga j) (fun j => t * be j) i = t * next_unit ga be i + (1 - t) * b * 1.
Proof.
  intros T. unfold next_unit.
  rewrite (sum_ext _ _ (fun j => t * (W j * relu (ga j * N i j + be j)))); [rewrite sum_scal; ring|].
  intros j _. replace (t * ga j * N i j + t * be j) with (t * (ga j * N i j + be j)) by ring.
  rewrite relu_scales by assumption. ring.
Qed.

(* So is everything behind it, the loss included. *)
Theorem hidden_scale_is_free t ga be i : 0 < t -> 0 < variance (next_unit ga be) ->
  normalized (next_unit (fun j => t * ga j) (fun j => t * be j)) i = normalized (next_unit ga be) i.
Proof.
  intros T V. set (z := next_unit ga be) in *. set (z' := next_unit _ _).
  assert (E : forall k, z' k = t * z k + (1 - t) * b * 1) by (intros; apply next_unit_scales; assumption).
  assert (M : mean n z' = t * mean n z + (1 - t) * b).
  { rewrite (mean_ext n _ (fun k => t * z k + (1 - t) * b * 1)) by (intros; apply E).
    rewrite (mean_lin n some), (mean_const n some). ring. }
  assert (S : variance z' = t ^ 2 * variance z).
  { unfold variance. rewrite (mean_ext n _ (fun k => t ^ 2 * (z k - mean n z) ^ 2 + 0 * 0)).
    - rewrite (mean_lin n some). ring.
    - intros k _. rewrite E, M. ring. }
  unfold normalized. rewrite E, M, S, sqrt_mult, sqrt_pow2 by (try apply pow2_ge_0; lra).
  pose proof (sqrt_lt_R0 _ V). field. lra.
Qed.

End Hidden.

(* A function that does not see the length of its argument has no slope along it: what layer_tent asks for follows. *)
Theorem no_slope_along (f : R -> R) slope : (forall t, 0 < t -> f t = f 1) -> derivable_pt_lim f 1 slope -> slope = 0.
Proof.
  intros F D. destruct (Req_dec slope 0) as [|N]; [assumption|]. exfalso.
  destruct (D (Rabs slope) (Rabs_pos_lt _ N)) as [delta B].
  set (x := Rmin (delta / 2) (1 / 2)). pose proof (cond_pos delta).
  assert (0 < x <= delta / 2 /\ x <= 1 / 2) as [[P Q] L].
  { unfold x. repeat split; [apply Rmin_pos; lra | apply Rmin_l | apply Rmin_r]. }
  specialize (B x). rewrite (F (1 + x)) in B by lra.
  replace ((f 1 - f 1) / x - slope) with (- slope) in B by (field; lra). rewrite Rabs_Ropp in B.
  apply (Rlt_irrefl (Rabs slope)), B; [lra|]. rewrite Rabs_right; lra.
Qed.
