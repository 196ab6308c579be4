(* What one step of BNGD does, and what follows for all steps, proved by Coq from its axioms of the real numbers.

   Everything stands in the eigenbasis of H, where H w is (l_i w_i), for any number d of coordinates, any eigenvalues
   at least l_1 > 0, any u, any rates and any start but zero; the last part is about a normalized layer of any network.
   Nothing rounds: these are statements about real numbers.
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
